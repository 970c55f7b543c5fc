import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { makeCatalogStore } from './catalog/catalog.ts';
import { makeCredentialStore } from './credentials.ts';
import type { Database } from './database.ts';
import { makeDispatchStore } from './dispatch/dispatch.ts';
import type { OpenedDatabase } from './engine/opened-database.ts';
import type { PostgresConfig } from './engine/postgres/config.ts';
import { openPostgres } from './engine/postgres/postgres.ts';
import { openSqlite } from './engine/sqlite/sqlite.ts';
import { makeEventStore } from './events.ts';
import { makeJobStore } from './jobs/jobs.ts';
import { makeLeaseStore, releaseAllLeases } from './leases.ts';
import { migrate, migrations } from './migrate.ts';
import type { Migration } from './migrations/migration.ts';
import type { Store } from './port/store.ts';
import { makeRetentionStore } from './retention.ts';
import { makeRunnerStore } from './runners/runners.ts';
import { makeRunStore } from './runs/runs.ts';
import { makeUserStore } from './users.ts';
import { makeWebhookStore } from './webhooks/webhooks.ts';

export type StoreConfig =
  | { readonly driver: 'sqlite'; readonly path: string }
  | ({ readonly driver: 'postgres' } & PostgresConfig);

export interface StoreDeps {
  readonly clock: Clock;
  /** Names this process in the events it writes; another one for each start. */
  readonly origin: string;
  readonly logger: Logger;
  /** Default: all there are. A test runs the version after this one by adding its own. */
  readonly migrations?: readonly Migration[];
}

/**
 * Opens and migrates.
 *
 * @throws StoreError `unavailable`, also while another process has the SQLite file; `schema`
 */
export async function openStore(config: StoreConfig, deps: StoreDeps): Promise<Store> {
  return makeStore(await openDatabase(config, deps));
}

/** As openStore, without the aggregates. */
export async function openDatabase(config: StoreConfig, deps: StoreDeps): Promise<Database> {
  const opened = await connect(config, deps);
  const { database } = opened;
  try {
    const applied = await migrate(opened, deps.migrations ?? migrations);
    if (applied.length > 0) deps.logger.info({ applied }, 'database schema migrated');
    // Alone with its file: whoever holds a lease is dead, and nobody has to wait for its end.
    if (database.kind === 'sqlite') await database.write(releaseAllLeases);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

export function makeStore(database: Database): Store {
  return {
    kind: database.kind,
    catalog: makeCatalogStore(database),
    jobs: makeJobStore(database),
    dispatch: makeDispatchStore(database),
    runs: makeRunStore(database),
    runners: makeRunnerStore(database),
    leases: makeLeaseStore(database),
    credentials: makeCredentialStore(database),
    users: makeUserStore(database),
    webhooks: makeWebhookStore(database),
    events: makeEventStore(database),
    retention: makeRetentionStore(database),
    ping: () => database.ping(),
    now: () => readNow(database),
    close: () => database.close(),
  };
}

async function readNow({ read, dbNow }: Database): Promise<number> {
  const { now } = await read.selectNoFrom(dbNow.as('now')).executeTakeFirstOrThrow();
  return now;
}

async function connect(config: StoreConfig, deps: StoreDeps): Promise<OpenedDatabase> {
  return config.driver === 'sqlite'
    ? openSqlite({ path: config.path, ...deps })
    : openPostgres({ config, ...deps });
}
