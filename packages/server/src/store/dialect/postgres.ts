import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import type pg from 'pg';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Database } from '../database.ts';
import type { Schema } from '../schema.ts';
import { endWith } from './change-schema.ts';
import { CommitListeners } from './commit-listeners.ts';
import type { WriteSource } from './commits.ts';
import type { OpenedDatabase } from './opened-database.ts';
import { OwnCommits } from './own-commits.ts';
import { findPostgresRetryDelay, mayHaveCommitted } from './postgres-faults.ts';
import { EVENTS_CHANNEL, PostgresListener } from './postgres-listener.ts';
import { chooseSsl, clientOptions, type PostgresConfig } from './postgres-options.ts';
import { makePool } from './postgres-pool.ts';
import { Writer } from './writer.ts';

export interface PostgresDeps {
  readonly config: PostgresConfig;
  readonly clock: Clock;
  readonly origin: string;
  readonly logger: Logger;
}

/** With the listener 25 connections, as the predecessor's pool had at most. */
const MOST_CONNECTIONS = 24;
const IDLE_CONNECTION_MS = 60_000;

/** Keys of the advisory locks: any two numbers that no other program on this database uses. */
const EVENTS_LOCK = 5_140_736_201;
const SCHEMA_LOCK = 5_140_736_202;

/** Connects when first used. */
export async function openPostgres(deps: PostgresDeps): Promise<OpenedDatabase> {
  const { config, clock, origin, logger } = deps;
  const ssl = await chooseSsl(config);
  const where = `${config.database} on ${config.host}:${config.port}`;
  const usual = clientOptions(config, ssl, 'usual');
  const poolOptions = { ...usual, max: MOST_CONNECTIONS, idleTimeoutMillis: IDLE_CONNECTION_MS };
  const db = kyselyOn(poolOptions, where, deps);
  const listeners = new CommitListeners(logger);
  const source = writeSourceOf(db, origin);
  const onCommitted = (): void => {
    listeners.wake();
  };
  const commits = new OwnCommits({ source, clock, origin, onCommitted });
  const writer = new Writer({ commits, source, clock });
  const listener = new PostgresListener({
    client: usual,
    clock,
    logger,
    ownOrigin: origin,
    wake: () => listeners.wake(),
  });
  const unlimited = { ...clientOptions(config, ssl, 'none'), max: 1 };
  return {
    database: describeDatabase({ clock, db, writer, listeners, listener }),
    changeSchema: (work) => changeSchema(kyselyOn(unlimited, where, deps), work),
  };
}

function kyselyOn(
  options: pg.PoolConfig,
  where: string,
  deps: Pick<PostgresDeps, 'clock' | 'logger'>,
): Kysely<Schema> {
  // Opened by the first query, so that closing before it has nothing to close.
  const dialect = new PostgresDialect({ pool: async () => makePool(options, where, deps) });
  return new Kysely<Schema>({ dialect });
}

function writeSourceOf(db: Kysely<Schema>, origin: string): WriteSource {
  return {
    begin: () => db.startTransaction().execute(),
    // Held until the commit is done: the next number is taken by who commits next, so seq order is commit order.
    lockEvents: async (tx) => {
      await sql`
        select pg_advisory_xact_lock(${EVENTS_LOCK}::bigint), pg_notify(${EVENTS_CHANNEL}, ${origin})
      `.execute(tx);
    },
    findRetryDelay: findPostgresRetryDelay,
    mayHaveCommitted,
  };
}

interface Parts {
  readonly clock: Clock;
  readonly db: Kysely<Schema>;
  readonly writer: Writer;
  readonly listeners: CommitListeners;
  readonly listener: PostgresListener;
}

function describeDatabase({ clock, db, writer, listeners, listener }: Parts): Database {
  let closed: Promise<void> | undefined;
  return {
    kind: 'postgres',
    clock,
    read: db,
    snapshot: (work) =>
      db
        .transaction()
        .setIsolationLevel('repeatable read')
        .setAccessMode('read only')
        .execute(work),
    write: (work, options) => writer.write(work, options),
    dbNow: sql<number>`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`,
    forShare: sql` for share`,
    forUpdateSkipLocked: sql` for update skip locked`,
    onCommit: (call) => {
      listener.start();
      return listeners.add(call);
    },
    ping: async () => {
      const startedAt = clock.monotonic();
      await sql`select 1`.execute(db);
      if (writer.fault !== undefined) throw writer.fault;
      return clock.monotonic() - startedAt;
    },
    close: () =>
      (closed ??= Promise.all([writer.close(), listener.stop()]).then(() => db.destroy())),
  };
}

/** Only one process at a time; the next one finds the work done. */
async function changeSchema<T>(
  db: Kysely<Schema>,
  work: (tx: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  try {
    return await endWith(await db.startTransaction().execute(), async (tx) => {
      await sql`select pg_advisory_xact_lock(${SCHEMA_LOCK}::bigint)`.execute(tx);
      return work(tx);
    });
  } finally {
    await db.destroy();
  }
}
