import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { StoreConfig } from '../../src/store/open-store.ts';
import { linuxGroup, TOKEN } from './fixtures.ts';

/** Keys of the configuration file, as deep as a test cares. Lists replace lists. */
export interface ConfigKeys {
  readonly [key: string]: unknown;
}

export const ADMIN_PASSWORD = 'correct horse';
export const VIEWER_PASSWORD = 'battery staple';

/**
 * For tests in which a request is given up, or a dispatch concluded absent: as soon as the configuration allows.
 * Elsewhere a slow machine must not look like a forge that does not answer.
 */
export const impatient = {
  github: { request_timeout: '1s' },
  dispatcher: { send_deadline: '500ms', run_lookup_timeout: '2500ms' },
} as const;

/** What is looked at every so often is looked at all the time. */
function quickConfig(baseUrl: string, database: StoreConfig): ConfigKeys {
  return {
    server: { listen: '127.0.0.1:0' },
    database: databaseKeys(database),
    github: {
      token: TOKEN,
      base_url: baseUrl,
      // Three of these may pass between two listings before no runner counts as free: enough for a machine that is slow.
      poll_interval: '250ms',
    },
    dispatcher: {
      interval: '100ms',
      tracking_interval: '50ms',
      pickup_timeout: '40s',
      recheck_after: '200ms',
    },
    auth: {
      basic: {
        enabled: true,
        users: [
          { username: 'admin', password: ADMIN_PASSWORD, role: 'admin' },
          { username: 'viewer', password: VIEWER_PASSWORD, role: 'readonly' },
        ],
      },
    },
    groups: { github: [linuxGroup] },
  };
}

function databaseKeys(database: StoreConfig): ConfigKeys {
  if (database.driver === 'sqlite') return { driver: 'sqlite', sqlite: { path: database.path } };
  const { host, port, user, database: name, sslmode } = database;
  return { driver: 'postgres', postgres: { host, port, user, database: name, sslmode } };
}

export interface ConfigInputs {
  readonly folder: string;
  readonly baseUrl: string;
  readonly database: StoreConfig;
  readonly overrides: ConfigKeys;
}

/** Through a real file and the real loader. */
export function makeConfig(inputs: ConfigInputs): Promise<Config> {
  const keys = merge(quickConfig(inputs.baseUrl, inputs.database), inputs.overrides);
  // JSON is YAML.
  return loadText(inputs.folder, JSON.stringify(keys, undefined, 2));
}

export async function loadText(
  folder: string,
  text: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Config> {
  const path = join(folder, 'config.yaml');
  await writeFile(path, text);
  const { config, warnings } = await loadConfig({ path, env, fetch });
  if (warnings.length > 0) throw new Error(`the configuration warns: ${warnings.join('\n')}`);
  return config;
}

/** `over` wins; maps are merged, lists replaced. */
export function merge(base: ConfigKeys, over: ConfigKeys): ConfigKeys {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const known = merged[key];
    merged[key] = isKeys(known) && isKeys(value) ? merge(known, value) : value;
  }
  return merged;
}

function isKeys(value: unknown): value is ConfigKeys {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
