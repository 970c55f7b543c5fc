import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import type { ConnectionUse, PostgresConfig } from './config.ts';
import { statementTimeoutMs } from './settings.ts';

/** Beyond the server's own limit only a dead connection is left to blame. */
const ANSWER_MARGIN_MS = 2_000;

const INT8 = 20;
const NUMERIC = 1_700;
const BOOL = 16;

const readNumber = (text: string): number => {
  const value = Number(text);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new RangeError(`${text} is too large for a number`);
  }
  return value;
};
const readBool = (text: string): 0 | 1 => (text === 't' ? 1 : 0);

/** Per connection, so that no other user of the driver in this process is changed: rows look as SQLite's do. */
const types = new pg.TypeOverrides();
types.setTypeParser(INT8, readNumber);
types.setTypeParser(NUMERIC, readNumber);
types.setTypeParser(BOOL, readBool);

/** Nothing but what every pooler takes: settings follow once it is connected, see postgres-settings.ts. */
export function clientOptions(
  config: PostgresConfig,
  ssl: ConnectionOptions | false,
  use: ConnectionUse,
): pg.ClientConfig {
  const statementMs = statementTimeoutMs(use, config);
  return {
    host: config.host,
    port: config.port,
    database: config.database,
    ...(config.user === '' ? {} : { user: config.user }),
    ...(config.password.isEmpty ? {} : { password: config.password.reveal() }),
    ssl,
    types,
    application_name: 'dispatchoor',
    keepAlive: true,
    connectionTimeoutMillis: config.connectTimeoutMs,
    query_timeout: statementMs === 0 ? 0 : statementMs + ANSWER_MARGIN_MS,
  };
}

/**
 * libpq's modes. `allow` and `prefer` are decided once, by trying: `allow` takes plain text if the server takes it,
 * `prefer` takes TLS if the server has it. A unix socket never has TLS.
 */
export async function chooseSsl(config: PostgresConfig): Promise<ConnectionOptions | false> {
  if (config.host.startsWith('/')) return false;
  const unverified: ConnectionOptions = { rejectUnauthorized: false };
  switch (config.sslmode) {
    case 'disable':
      return false;
    case 'allow':
      return (await connects(config, false)) ? false : unverified;
    case 'prefer':
      return (await connects(config, unverified)) ? unverified : false;
    case 'require':
      return unverified;
    case 'verify-ca':
      return { rejectUnauthorized: true, checkServerIdentity: () => undefined };
    case 'verify-full':
      return { rejectUnauthorized: true };
  }
}

async function connects(config: PostgresConfig, ssl: ConnectionOptions | false): Promise<boolean> {
  const client = new pg.Client(clientOptions(config, ssl, 'read'));
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
