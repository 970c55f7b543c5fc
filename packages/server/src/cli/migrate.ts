import { migrateDatabase } from '../app.ts';
import { type LogOptions, openLog } from './logging.ts';
import { readConfig } from './read-config.ts';

/** Creates or upgrades the schema and ends. The whole configuration must be valid. */
export async function runMigrate(options: LogOptions & { config: string }): Promise<void> {
  const { logger } = openLog(options);
  const config = await readConfig(options.config, logger);
  await migrateDatabase(config, logger);
  logger.info('schema is up to date');
}
