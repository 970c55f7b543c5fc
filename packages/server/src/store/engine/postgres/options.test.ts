import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Secret } from '../../../lib/secret.ts';
import { postgresConfigOf } from '../../databases.testkit.ts';
import type { PostgresConfig, SslMode } from './config.ts';
import { chooseSsl, clientOptions } from './options.ts';
import { settingsFor } from './settings.ts';

const SSL_REQUEST_LENGTH = 8;

describe('the options of a PostgreSQL connection', () => {
  let server: Server | undefined;
  afterEach(async () => {
    const running = server;
    server = undefined;
    if (running !== undefined) await new Promise((resolve) => running.close(resolve));
  });

  const configOf = (sslmode: SslMode, port: number): PostgresConfig => {
    const at = { host: '127.0.0.1', port, user: 'u', database: 'd' };
    return postgresConfigOf(at, { sslmode, password: new Secret('secret') });
  };
  /** A server that has no TLS; plain connections it takes or refuses. */
  const listen = async (takesPlain: boolean): Promise<number> => {
    const started = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (data) => {
        if (data.length === SSL_REQUEST_LENGTH) socket.end('N');
        else if (takesPlain) socket.write(Buffer.concat([authenticationOk, readyForQuery]));
        else socket.end();
      });
    });
    server = started;
    await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
    const address = started.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  };

  it.each([
    ['disable', false],
    ['require', { rejectUnauthorized: false }],
    ['verify-ca', { rejectUnauthorized: true, checkServerIdentity: expect.any(Function) }],
    ['verify-full', { rejectUnauthorized: true }],
  ] as const)('sslmode %s needs no trying', async (mode, ssl) => {
    expect(await chooseSsl(configOf(mode, 1))).toEqual(ssl);
  });

  it('sslmode prefer does without TLS where the server has none', async () => {
    expect(await chooseSsl(configOf('prefer', await listen(true)))).toBe(false);
  });

  it('sslmode allow takes plain text where the server takes it, else TLS', async () => {
    expect(await chooseSsl(configOf('allow', await listen(true)))).toBe(false);
    expect(await chooseSsl(configOf('allow', 1))).toEqual({ rejectUnauthorized: false });
  });

  it('a unix socket never has TLS', async () => {
    const config = { ...configOf('verify-full', 1), host: '/var/run/postgresql' };
    expect(await chooseSsl(config)).toBe(false);
  });

  it('leave user and password to the surroundings when the config has none', () => {
    const config = { ...configOf('disable', 1), user: '', password: new Secret('') };
    const options = clientOptions(config, false, 'read');
    expect(options).not.toHaveProperty('user');
    expect(options).not.toHaveProperty('password');
  });

  it('set nothing in the start of the connection, which poolers refuse', () => {
    const options = clientOptions(configOf('disable', 1), false, 'write');
    const refused = ['options', 'statement_timeout', 'lock_timeout'];
    refused.push('idle_in_transaction_session_timeout');
    expect(Object.keys(options).filter((name) => refused.includes(name))).toEqual([]);
  });

  it('have no time limits while the schema is changed', () => {
    const config = configOf('disable', 1);
    expect(clientOptions(config, false, 'change-schema').query_timeout).toBe(0);
    const settings = settingsFor('change-schema', config).beginWith('begin');
    for (const name of [
      'statement_timeout',
      'lock_timeout',
      'idle_in_transaction_session_timeout',
    ]) {
      expect(settings).toContain(`set local ${name} = 0`);
    }
  });
});

const authenticationOk = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]);
const readyForQuery = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);
