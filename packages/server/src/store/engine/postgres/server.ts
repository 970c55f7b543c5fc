import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { StoreError } from '../../port/store.ts';
import type { PostgresConfig } from './config.ts';
import { asStoreError } from './faults.ts';
import { clientOptions } from './options.ts';

/** A pooler that hands connections out anew shows it in the first round, unless others are faster each time. */
const ROUNDS = 5;

/**
 * Looks at what is behind the address, before anything is stored there.
 *
 * @param where how error texts name the database
 * @returns whether a pooler gives each transaction another connection (PgBouncer's `pool_mode = transaction`), so that
 *   settings and LISTEN do not last
 * @throws StoreError `schema` for an encoding that cannot hold every text; `unavailable`
 */
export async function inspectServer(
  config: PostgresConfig,
  ssl: ConnectionOptions | false,
  where: string,
): Promise<{ readonly isShared: boolean }> {
  const one = connectionTo(config, ssl);
  const other = connectionTo(config, ssl);
  try {
    await one.connect();
    const { encoding, pid } = await look(one);
    if (encoding !== 'UTF8') refuseEncoding(encoding, where);
    // A pooler makes up the number that it tells at the start: a cancel is sent to it, not to the server.
    if (pid === one.processID) return { isShared: false };
    return { isShared: await isShared(one, other) };
  } catch (error) {
    throw asStoreError(where, error);
  } finally {
    await Promise.all([one, other].map((client) => client.end().catch(() => undefined)));
  }
}

/** The driver's type leaves out the number that the server gave with the connection. */
type Connection = pg.Client & { readonly processID?: number | null };

function connectionTo(config: PostgresConfig, ssl: ConnectionOptions | false): Connection {
  const options = clientOptions(config, ssl, 'read');
  const client = new pg.Client({ ...options, query_timeout: config.connectTimeoutMs });
  // What breaks it is told to the query that waits.
  client.on('error', () => undefined);
  return client;
}

/**
 * Both stay connected: who is given a server connection that the other had before, or another than before, shares. A
 * pooler that makes the second one wait has given its last connection to the first, and so keeps it for that.
 */
async function isShared(one: Connection, other: Connection): Promise<boolean> {
  try {
    await other.connect();
    return await compare(one, other);
  } catch (error) {
    if (error instanceof pg.DatabaseError) throw error;
    return false;
  }
}

async function compare(one: Connection, other: Connection): Promise<boolean> {
  const seen = new Set<number>();
  const others = new Set<number>();
  for (let round = 0; round < ROUNDS; round += 1) {
    seen.add((await look(one)).pid);
    others.add((await lookInTransaction(other)).pid);
  }
  return seen.size > 1 || others.size > 1 || [...seen].some((pid) => others.has(pid));
}

interface Look {
  readonly encoding: string;
  readonly pid: number;
}

async function look(client: Connection): Promise<Look> {
  const { rows } = await client.query<Look>(
    `select current_setting('server_encoding') as encoding, pg_backend_pid() as pid`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the server has answered without a row');
  return row;
}

/** A pooler that gives each statement another connection (`pool_mode = statement`) refuses it, and says so. */
async function lookInTransaction(client: Connection): Promise<Look> {
  await client.query('begin');
  const found = await look(client);
  await client.query('rollback');
  return found;
}

function refuseEncoding(encoding: string, where: string): never {
  throw new StoreError(
    'schema',
    `database ${where}: its encoding is ${encoding}, which cannot hold every name and input: make one with "create database … encoding 'UTF8' template template0" and name it in database.postgres.database`,
  );
}
