import type { ConnectionOptions } from 'node:tls';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { Database } from '../../database.ts';
import { StoreError } from '../../port/store.ts';
import type { Schema } from '../../schema.ts';
import { endWith } from '../change-schema.ts';
import { CommitListeners } from '../commit/commit-listeners.ts';
import type { WriteSource } from '../commit/commits.ts';
import { OwnCommits } from '../commit/own-commits.ts';
import { WriteProof } from '../commit/write-proof.ts';
import { Writer } from '../commit/writer.ts';
import type { OpenedDatabase } from '../opened-database.ts';
import type { PostgresConfig } from './config.ts';
import { insertEvents } from './events.ts';
import { findPostgresRetryDelay, mayHaveCommitted } from './faults.ts';
import { PostgresListener } from './listener.ts';
import { chooseSsl, clientOptions } from './options.ts';
import { openPools, type Pools } from './pools.ts';
import { inspectServer } from './server.ts';

export interface PostgresDeps {
  readonly config: PostgresConfig;
  readonly clock: Clock;
  readonly origin: string;
  readonly logger: Logger;
}

/** Key of an advisory lock, as `EVENTS_LOCK`. */
const SCHEMA_LOCK = 5_140_736_202;

/**
 * Looks at the server, and connects for use when first used.
 *
 * @throws StoreError `unavailable`; `schema` for a database that cannot hold what we store
 */
export async function openPostgres(deps: PostgresDeps): Promise<OpenedDatabase> {
  const { config, clock, origin, logger } = deps;
  const where = `${config.database} on ${config.host}:${config.port}`;
  const ssl = await chooseSsl(config);
  const { isShared } = await inspectServer(config, ssl, where);
  const pools = openPools({ config, ssl, isShared, where, clock, logger });
  const listeners = new CommitListeners(logger);
  const source = writeSourceOf(pools.writing, origin);
  const onCommitted = (): void => {
    listeners.wake();
  };
  const commits = new OwnCommits({ source, clock, origin, onCommitted });
  const writer = new Writer({ commits, source, clock });
  const listener = await makeListener(deps, ssl, isShared, onCommitted);
  return {
    database: describeDatabase({ clock, where, pools, writer, listeners, listener }),
    changeSchema: (work) => changeSchema(pools.openForSchema(), work),
  };
}

/** @returns undefined where nobody would hear: events are looked for every second in any case */
async function makeListener(
  { config, clock, origin, logger }: PostgresDeps,
  ssl: ConnectionOptions | false,
  isShared: boolean,
  wake: () => void,
): Promise<PostgresListener | undefined> {
  const { listenHost, listenPort } = config;
  if (listenHost === '' && isShared) {
    logger.warn(
      'the pooler of database.postgres.host gives each transaction another connection: what other servers do is seen up to a second late; set database.postgres.listen_host to PostgreSQL itself, or let the pooler pool by session',
    );
    return undefined;
  }
  const isDirect = listenHost !== '';
  const at = isDirect ? { ...config, host: listenHost, port: listenPort } : config;
  const client = clientOptions(at, isDirect ? await chooseSsl(at) : ssl, 'read');
  return new PostgresListener({ client, clock, logger, ownOrigin: origin, wake });
}

function writeSourceOf(writing: Kysely<Schema>, origin: string): WriteSource {
  return {
    begin: () => writing.startTransaction().execute(),
    insertEvents: (tx, events) => insertEvents(tx, events, origin),
    findRetryDelay: findPostgresRetryDelay,
    mayHaveCommitted,
  };
}

interface Parts {
  readonly clock: Clock;
  readonly where: string;
  readonly pools: Pools;
  readonly writer: Writer;
  readonly listeners: CommitListeners;
  readonly listener: PostgresListener | undefined;
}

function describeDatabase(parts: Parts): Database {
  const { clock, pools, writer, listeners, listener } = parts;
  const { reading } = pools;
  const proof = new WriteProof(writer, clock);
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
      listener?.start();
      return listeners.add(call);
    },
    ping: async () => {
      const tookMs = await readOnce(parts);
      await proof.require();
      return tookMs;
    },
    close: () => (closed ??= closeAll(parts)),
  };
}

/** A server that became a standby answers every read, with what was true once. */
async function readOnce({ clock, where, pools }: Parts): Promise<number> {
  const startedAt = clock.monotonic();
  const { rows } = await sql<{ value: string }>`
    select current_setting('transaction_read_only') as value
  `.execute(pools.reading);
  if (rows[0]?.value !== 'on') return clock.monotonic() - startedAt;
  pools.giveUpAll();
  throw new StoreError('unavailable', `database ${where}: it only reads (transaction_read_only)`);
}

async function closeAll({ pools, writer, listener }: Parts): Promise<void> {
  await Promise.all([writer.close(), listener?.stop()]);
  await Promise.all([pools.reading.destroy(), pools.writing.destroy()]);
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
