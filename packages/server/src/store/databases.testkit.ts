import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, inject } from 'vitest';
import { type Clock, systemClock } from '../lib/clock.ts';
import { type Logger, makeLogger } from '../lib/logger.ts';
import { Secret } from '../lib/secret.ts';
import type { Database } from './database.ts';
import type { PostgresConfig } from './engine/postgres/config.ts';
import { openDatabase, type StoreConfig } from './open-store.ts';
import { createDatabase, type PostgresDatabase } from './postgres.testkit.ts';

export const silentLogger: Logger = makeLogger('silent', { write: () => undefined });

/** Stands still until moved, but waits for real: a retry after a lost race is not a test's to advance. */
export class StoreClock implements Clock {
  #now: number;

  constructor(startAt = Date.UTC(2026, 0, 1, 12)) {
    this.#now = startAt;
  }

  now(): number {
    return this.#now;
  }

  /** @returns the new time */
  advance(ms: number): number {
    this.#now += ms;
    return this.#now;
  }

  set(now: number): void {
    this.#now = now;
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal);
  }

  after(ms: number, action: () => void): () => void {
    return systemClock.after(ms, action);
  }
}

/** As the configuration describes it when it names nothing but where the database is. */
export function postgresConfigOf(
  { host, port, user, database }: Omit<PostgresDatabase, 'url'>,
  overrides: Partial<PostgresConfig> = {},
): Extract<StoreConfig, { driver: 'postgres' }> {
  return {
    ...{ driver: 'postgres', host, port, user, database, password: new Secret('') },
    ...{ sslmode: 'disable', maxConnections: 25, connectTimeoutMs: 5_000, waitTimeoutMs: 10_000 },
    ...{ readTimeoutMs: 10_000, writeTimeoutMs: 6_000, listenHost: '', listenPort: 5432 },
    ...overrides,
  };
}

/** One kind of database that every suite of the store runs on. */
export interface TestDatabase {
  readonly name: 'sqlite' | 'postgres';
  /** A new, empty one. */
  create(): Promise<{ readonly config: StoreConfig; remove(): Promise<void> }>;
}

const sqlite: TestDatabase = {
  name: 'sqlite',
  create: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dispatchoor-store-'));
    return {
      config: { driver: 'sqlite', path: join(folder, 'test.db') },
      remove: () => rm(folder, { recursive: true, force: true }),
    };
  },
};

const postgres: TestDatabase = {
  name: 'postgres',
  create: async () => {
    return {
      config: postgresConfigOf(await createDatabase(inject('postgres'))),
      // The server of the run goes, and everything with it.
      remove: async () => undefined,
    };
  },
};

export const databases: readonly TestDatabase[] = [sqlite, postgres];

/** What `useDatabase` gives to the tests of one suite. */
export interface DatabaseUnderTest {
  readonly database: Database;
  /**
   * The same data through a process of its own as far as the database can tell: its own connections and origin.
   * On SQLite, which has one process, it is `database` itself.
   */
  readonly replica: Database;
  readonly clock: StoreClock;
  readonly config: StoreConfig;
}

/** One migrated database for a suite, emptied before each test; the clock starts anew too. */
export function useDatabase(kind: TestDatabase): DatabaseUnderTest {
  let current: (DatabaseUnderTest & { close(): Promise<void> }) | undefined;
  const get = (): DatabaseUnderTest => {
    if (current === undefined) throw new Error('the database is there only while tests run');
    return current;
  };
  beforeAll(async () => {
    current = await open(kind);
  });
  beforeEach(async () => {
    const { database, clock } = get();
    clock.set(Date.UTC(2026, 0, 1, 12));
    await empty(database);
  });
  afterAll(async () => {
    await current?.close();
    current = undefined;
  });
  return {
    get database() {
      return get().database;
    },
    get replica() {
      return get().replica;
    },
    get clock() {
      return get().clock;
    },
    get config() {
      return get().config;
    },
  };
}

async function open(kind: TestDatabase): Promise<DatabaseUnderTest & { close(): Promise<void> }> {
  const { config, remove } = await kind.create();
  const clock = new StoreClock();
  const openAs = (origin: string): Promise<Database> =>
    openDatabase(config, { clock, origin, logger: silentLogger });
  const database = await openAs('one');
  const replica = kind.name === 'sqlite' ? database : await openAs('other');
  return {
    ...{ database, replica, clock, config },
    close: async () => {
      await Promise.all([database.close(), replica.close()]);
      await remove();
    },
  };
}

/** Children before parents. */
const TABLES = [
  'events',
  'idempotency_keys',
  'sessions',
  'users',
  'webhook_deliveries',
  'leases',
  'dispatch_buckets',
  'credentials',
  'runner_scopes',
  'runners',
  'target_blocks',
  'group_plans',
  'run_workflow_jobs',
  'attempts',
  'workflow_namings',
  'commit_namings',
  'job_counts',
  'jobs',
  'templates',
  'groups',
  'forges',
  'write_proofs',
];

async function empty(database: Database): Promise<void> {
  await database.write(async ({ db }) => {
    for (const table of TABLES) await sql`delete from ${sql.table(table)}`.execute(db);
  });
}
