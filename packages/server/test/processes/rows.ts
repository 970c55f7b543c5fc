import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import type { StoreConfig } from '../../src/store/open-store.ts';

export interface AttemptRow {
  readonly id: string;
  readonly job_id: string;
  readonly state: string;
  readonly run_id: string | null;
  readonly ended_at: number | null;
  readonly error_message: string;
}

export interface LeaseRow {
  readonly name: string;
  /** `host:pid:…` */
  readonly holder: string;
  readonly is_held: number;
}

/** Oldest first, as the database has them, whether or not a server runs. */
export function listAttempts(database: StoreConfig): Promise<AttemptRow[]> {
  const columns = 'id, job_id, state, run_id, ended_at, error_message';
  return query(database, `select ${columns} from attempts order by id`);
}

export async function countPending(database: StoreConfig): Promise<number> {
  const rows = await query<object>(database, "select 1 from jobs where state = 'pending'");
  return rows.length;
}

/** By name. */
export function listLeases(database: StoreConfig): Promise<LeaseRow[]> {
  return query(
    database,
    'select name, holder, case when expires_at > 0 then 1 else 0 end as is_held from leases order by name',
  );
}

export interface ClaimRow {
  /** `host:pid:…` of the server that claimed. */
  readonly holder: string;
  /** Epoch milliseconds by that server's clock. */
  readonly at: number;
}

/** In commit order, `since` that moment. */
export async function listClaims(database: StoreConfig, since: number): Promise<ClaimRow[]> {
  const rows = await query<{ holder: string; at: number | string }>(
    database,
    `select origin as holder, at from events where kind = 'job.triggered' and at >= ${since} order by seq`,
  );
  return rows.map(({ holder, at }) => ({ holder, at: Number(at) }));
}

/** What is held stays so for longer than any test waits. */
export async function lengthenLeases(database: StoreConfig): Promise<void> {
  await query(database, 'update leases set expires_at = expires_at + 3600000 where expires_at > 0');
}

export function pidOf({ holder }: Pick<LeaseRow, 'holder'>): number {
  return Number(holder.split(':')[1]);
}

async function query<Row>(database: StoreConfig, sql: string): Promise<Row[]> {
  return database.driver === 'sqlite'
    ? (querySqlite(database.path, sql) as Row[])
    : ((await queryPostgres(database, sql)) as Row[]);
}

function querySqlite(path: string, sql: string): unknown[] {
  // A reader leaves it to the next server to recover what a dead one left.
  const file = new DatabaseSync(path, { readOnly: sql.startsWith('select') });
  try {
    return file.prepare(sql).all();
  } finally {
    file.close();
  }
}

async function queryPostgres(
  { host, port, user, database }: Extract<StoreConfig, { driver: 'postgres' }>,
  sql: string,
): Promise<unknown[]> {
  const client = new pg.Client({ host, port, user, database });
  await client.connect();
  try {
    return (await client.query<object>(sql)).rows;
  } finally {
    await client.end();
  }
}
