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
import {
  type ConnectionUse,
  chooseSsl,
  clientOptions,
  type PostgresConfig,
} from './postgres-options.ts';
import { makePool } from './postgres-pool.ts';
import { Writer } from './writer.ts';

export interface PostgresDeps {
  readonly config: PostgresConfig;
  readonly clock: Clock;
  readonly origin: string;
  readonly logger: Logger;
}

/**
 * With the listener 25 connections, as the predecessor's pool had at most. Writes have their own: while they wait for
 * each other, or for a process that died with its locks, whoever only reads is served.
 */
const MOST_READING = 14;
const MOST_WRITING = 10;
const IDLE_CONNECTION_MS = 60_000;

/** Keys of the advisory locks: any two numbers that no other program on this database uses. */
const EVENTS_LOCK = 5_140_736_201;
const SCHEMA_LOCK = 5_140_736_202;

/** Connects when first used. */
export async function openPostgres(deps: PostgresDeps): Promise<OpenedDatabase> {
  const { config, clock, origin, logger } = deps;
  const ssl = await chooseSsl(config);
  const where = `${config.database} on ${config.host}:${config.port}`;
  const poolOf = (use: ConnectionUse, max: number): Kysely<Schema> => {
    const client = clientOptions(config, ssl, use);
    return kyselyOn({ ...client, max, idleTimeoutMillis: IDLE_CONNECTION_MS }, where, deps);
  };
  const reading = poolOf('read', MOST_READING);
  const writing = poolOf('write', MOST_WRITING);
  const listeners = new CommitListeners(logger);
  const source = writeSourceOf(writing, origin);
  const onCommitted = (): void => {
    listeners.wake();
  };
  const commits = new OwnCommits({ source, clock, origin, onCommitted });
  const writer = new Writer({ commits, source, clock });
  const listener = new PostgresListener({
    client: clientOptions(config, ssl, 'read'),
    clock,
    logger,
    ownOrigin: origin,
    wake: () => listeners.wake(),
  });
  return {
    database: describeDatabase({ clock, reading, writing, writer, listeners, listener }),
    changeSchema: (work) => changeSchema(poolOf('change-schema', 1), work),
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

function writeSourceOf(writing: Kysely<Schema>, origin: string): WriteSource {
  return {
    begin: () => writing.startTransaction().execute(),
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
  readonly reading: Kysely<Schema>;
  readonly writing: Kysely<Schema>;
  readonly writer: Writer;
  readonly listeners: CommitListeners;
  readonly listener: PostgresListener;
}

function describeDatabase(parts: Parts): Database {
  const { clock, reading, writer, listeners, listener } = parts;
  let closed: Promise<void> | undefined;
  return {
    kind: 'postgres',
    clock,
    read: reading,
    snapshot: (work) =>
      reading
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
      await sql`select 1`.execute(reading);
      if (writer.fault !== undefined) throw writer.fault;
      return clock.monotonic() - startedAt;
    },
    close: () => (closed ??= closeAll(parts)),
  };
}

async function closeAll({ reading, writing, writer, listener }: Parts): Promise<void> {
  await Promise.all([writer.close(), listener.stop()]);
  await Promise.all([reading.destroy(), writing.destroy()]);
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
