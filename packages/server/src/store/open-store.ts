import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Database } from './database.ts';
import type { OpenedDatabase } from './dialect/opened-database.ts';
import { openPostgres } from './dialect/postgres.ts';
import type { PostgresConfig } from './dialect/postgres-options.ts';
import { openSqlite } from './dialect/sqlite.ts';
import { migrate } from './migrate.ts';

export type StoreConfig =
  | { readonly driver: 'sqlite'; readonly path: string }
  | ({ readonly driver: 'postgres' } & PostgresConfig);

export interface StoreDeps {
  readonly clock: Clock;
  /** Names this process in the events it writes; another one for each start. */
  readonly origin: string;
  readonly logger: Logger;
}

/**
 * Opens and migrates.
 *
 * @throws StoreError `unavailable` or `schema`
 */
export async function openDatabase(config: StoreConfig, deps: StoreDeps): Promise<Database> {
  const opened = await connect(config, deps);
  try {
    const applied = await migrate(opened);
    if (applied.length > 0) deps.logger.info({ applied }, 'database schema migrated');
    return opened.database;
  } catch (error) {
    await opened.database.close();
    throw error;
  }
}

async function connect(config: StoreConfig, deps: StoreDeps): Promise<OpenedDatabase> {
  return config.driver === 'sqlite'
    ? openSqlite({ path: config.path, ...deps })
    : openPostgres({ config, ...deps });
}
