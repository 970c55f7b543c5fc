import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Config, GithubConfig, TemplateConfig } from './config.ts';
import { ConfigError } from './config-error.ts';
import type { Environment } from './environment.ts';
import { loadConfig } from './load.ts';
import type { Fetch } from './template-sources.ts';

export interface Given {
  readonly env?: Environment;
  /** Path below the configuration file's folder → content. */
  readonly files?: Readonly<Record<string, string>>;
  readonly fetch?: Fetch;
}

export interface Outcome {
  /** Undefined where the load failed. */
  readonly config: Config | undefined;
  /** Without the folder, which differs from run to run. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** A login, so that a test's text needs to hold only what it is about. */
export const withLogin =
  'auth: { basic: { enabled: true, users: [{ username: a, password: p }] } }\n';

/** A template with everything that is required, as a flow map. */
export const anyTemplate = '{ id: t, owner: o, repo: r, workflow_id: w.yaml }';

const refuseToFetch: Fetch = (url) => Promise.reject(new Error(`unexpected request: ${url}`));

/** Loads a text as `config.yaml` from a folder of its own. */
export async function loadText(text: string, given: Given = {}): Promise<Outcome> {
  const folder = await makeFolder({ 'config.yaml': text, ...given.files });
  const options = {
    path: join(folder, 'config.yaml'),
    env: given.env ?? {},
    fetch: given.fetch ?? refuseToFetch,
  };
  const shorten = (lines: readonly string[]) =>
    lines.map((line) => line.replaceAll(`${folder}/`, ''));
  try {
    const { config, warnings } = await loadConfig(options);
    return { config, problems: [], warnings: shorten(warnings) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { problems, warnings } = error;
    return { config: undefined, problems: shorten(problems), warnings: shorten(warnings) };
  }
}

/** Loads a text that must load. */
export async function loadGood(text: string, given?: Given): Promise<Config> {
  const { config, problems } = await loadText(text, given);
  if (config === undefined) throw new Error(problems.join('\n'));
  return config;
}

/** The forge under `github`. */
export function githubOf({ forges }: Config): GithubConfig {
  const [github] = forges;
  if (github === undefined) throw new Error('no forge');
  return github;
}

/** The templates of one group that has these lines. */
export async function loadGroupTemplates(
  lines: string,
  given?: Given,
): Promise<readonly TemplateConfig[]> {
  const config = await loadGood(`${withLogin}${oneGroup(lines)}`, given);
  return config.groups[0]?.templates ?? [];
}

/** One group `g`; the lines are its further keys, not indented. */
export function oneGroup(lines: string): string {
  const indented = lines.replaceAll(/^(?=.)/gm, '      ');
  return `groups:\n  github:\n    - id: g\n      runner_labels: [x]\n${indented}\n`;
}

export async function makeFolder(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dispatchoor-config-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}
