import { dirname } from 'node:path';
import { deepFreeze } from '../lib/deep-freeze.ts';
import type { Config } from './config.ts';
import { ConfigError, NoConfigError } from './config-error.ts';
import { Diagnostics } from './diagnostics.ts';
import type { Environment } from './environment.ts';
import { readDocument } from './read-document.ts';
import { readConfigText, UnusableText } from './read-text.ts';
import { type ConfigFile, configFile } from './schema.ts';
import { buildAuth } from './sections/auth.ts';
import { buildDatabase } from './sections/database.ts';
import { buildDispatcher } from './sections/dispatcher.ts';
import { buildGithub } from './sections/github.ts';
import { buildGroups, type FoundGroup } from './sections/groups.ts';
import { buildHistory } from './sections/history.ts';
import { buildServer } from './sections/server.ts';
import { buildWaits } from './sections/waits.ts';
import { type Fetch, loadTemplates, type TemplateSources } from './template-sources.ts';

export interface LoadOptions {
  /** The configuration file, relative to the working directory. */
  readonly path: string;
  readonly env: Environment;
  readonly fetch: Fetch;
  /** Called once for each warning. */
  readonly warn?: (warning: string) => void;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly warnings: readonly string[];
}

/**
 * Reads the configuration file and the template files and URLs that it names.
 * Throws `NoConfigError` where there is no such file, `ConfigError` with everything that is wrong
 * where it cannot be used.
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const text = await readConfigFile(options.path);
  const diagnostics = new Diagnostics();
  const root = readDocument({ text, file: options.path, env: options.env }, diagnostics);
  const config = root && (await build(configFile.decode(root), options, diagnostics));
  const { problems, warnings } = diagnostics;
  for (const warning of warnings) options.warn?.(warning);
  if (config === undefined || problems.length > 0) throw new ConfigError(problems, warnings);
  return { config: deepFreeze(config), warnings };
}

async function readConfigFile(path: string): Promise<string> {
  try {
    return await readConfigText(path);
  } catch (error) {
    if (error instanceof UnusableText) throw new ConfigError([`${path}: ${error.message}`]);
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    if (code === 'ENOENT') throw new NoConfigError(path);
    throw new ConfigError([
      `${path}: cannot be read (${code}); check the path and its permissions`,
    ]);
  }
}

async function build(
  { values: file }: ConfigFile,
  { path, env, fetch }: LoadOptions,
  diagnostics: Diagnostics,
): Promise<Config> {
  const sources: TemplateSources = { folder: dirname(path), env, fetch, diagnostics };
  const groups = await Promise.all(
    file.groups.values.github.map(async (group) => ({
      group,
      decodeTemplates: await loadTemplates(group, sources),
    })),
  );
  const found = groups.map(
    ({ group, decodeTemplates }): FoundGroup => ({ group, ...decodeTemplates() }),
  );
  const github = buildGithub(file.github);
  return {
    server: buildServer(file.server),
    database: buildDatabase(file.database),
    forges: [github],
    dispatcher: buildDispatcher(file.dispatcher, github.requestTimeoutMs),
    waits: buildWaits(file.waits),
    auth: buildAuth(file.auth),
    history: buildHistory(file.history),
    groups: buildGroups(found),
  };
}
