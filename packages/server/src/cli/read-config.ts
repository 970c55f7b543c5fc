import type { Config } from '../config/config.ts';
import { readEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import type { Logger } from '../lib/logger.ts';

export async function readConfig(path: string, logger: Logger): Promise<Config> {
  const { config } = await loadConfig({
    path,
    env: readEnvironment(),
    fetch: globalThis.fetch,
    warn: (warning) => {
      logger.warn({ warning }, 'config');
    },
  });
  return config;
}
