import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import type { Secret } from '../../lib/secret.ts';

export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export interface PostgresConfig {
  /** A name, an address, or the folder of a unix socket. */
  readonly host: string;
  readonly port: number;
  /** `''`: whoever runs this process. */
  readonly user: string;
  readonly password: Secret;
  readonly database: string;
  readonly sslmode: SslMode;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** A process that is paused or cut off must not hold what it has locked against all others. */
const IDLE_IN_TRANSACTION_MS = 4_000;
/** Longer than the idle limit: whoever holds the events' lock and died is outlived. */
const LOCK_TIMEOUT_MS = 5_000;
/**
 * Writes queue for the rows that all of them count in, and each wait in that queue has a lock timeout of its own. A
 * paused process's writes would get those rows one after the other, and keep each for as long as it may idle. So all
 * of its statements end this long after it stopped, and with the idle limit all that it holds is free after 10 s.
 */
const WRITE_TIMEOUT_MS = 6_000;
/** Whoever asks is told that the database does not answer while they still listen. */
const READ_TIMEOUT_MS = 10_000;
/** Beyond the server's own limit only a dead connection is left to blame. */
const ANSWER_MARGIN_MS = 2_000;

/** What a connection is for. `change-schema` takes as long as it takes. */
export type ConnectionUse = 'read' | 'write' | 'change-schema';

const STATEMENT_TIMEOUTS_MS: Readonly<Record<ConnectionUse, number>> = {
  read: READ_TIMEOUT_MS,
  write: WRITE_TIMEOUT_MS,
  'change-schema': 0,
};

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

export function clientOptions(
  config: PostgresConfig,
  ssl: ConnectionOptions | false,
  use: ConnectionUse,
): pg.ClientConfig {
  const isLimited = use !== 'change-schema';
  const statementMs = STATEMENT_TIMEOUTS_MS[use];
  return {
    host: config.host,
    port: config.port,
    database: config.database,
    ...(config.user === '' ? {} : { user: config.user }),
    ...(config.password.isEmpty ? {} : { password: config.password.reveal() }),
    ssl,
    types,
    application_name: 'dispatchoor',
    // A commit that was reported must survive a power cut, and read committed is what the fences are written for.
    options: '-c synchronous_commit=on -c default_transaction_isolation=read\\ committed',
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: isLimited ? IDLE_IN_TRANSACTION_MS : 0,
    statement_timeout: statementMs,
    lock_timeout: isLimited ? LOCK_TIMEOUT_MS : 0,
    query_timeout: isLimited ? statementMs + ANSWER_MARGIN_MS : 0,
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
