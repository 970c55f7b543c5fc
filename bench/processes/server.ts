import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ownEnvironment, ServerClient } from '@dispatchoor/testbed';
import { waitFor } from '../lib/clock.ts';
import { type ConfigOptions, configOf, secrets } from '../setting.ts';
import { ProbedChild } from './probed-child.ts';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(import.meta.resolve('../../packages/server/bin/dispatchoor.js'));

export interface ServerOptions extends ConfigOptions {
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Sum and count of each label of one histogram of the server's. */
export type Phases = ReadonlyMap<string, { readonly sumMs: number; readonly count: number }>;

/** A busy server answers late, but it answers. */
const ANSWERS_WITHIN_MS = 60_000;

/** `dispatchoor server`, started as an operator would, and its API. */
export class Server {
  readonly child: ProbedChild;
  readonly url: string;
  readonly token: string;
  readonly api: ServerClient;

  private constructor(child: ProbedChild, url: string, token: string, api: ServerClient) {
    this.child = child;
    this.url = url;
    this.token = token;
    this.api = api;
  }

  /** Resolves when it has answered a login. */
  static async start(options: ServerOptions): Promise<Server> {
    const child = await spawnServer(options);
    const url = await listening(child);
    const api = new ServerClient(url, secrets.login, { timeoutMs: ANSWERS_WITHIN_MS });
    return new Server(child, url, await api.token(), api);
  }

  /** Until it has seen so many runners on the forge. */
  async waitForRunners(count: number): Promise<void> {
    const ask = async (): Promise<true | undefined> => {
      const text = await this.api.metrics();
      const known = [...text.matchAll(/^dispatchoor_runners_total\{.*\} (\d+)$/gm)];
      return known.reduce((sum, [, n]) => sum + Number(n), 0) >= count ? true : undefined;
    };
    await waitFor(`the server knows ${count} runners`, ask, { everyMs: 100, withinMs: 120_000 });
  }

  async residentMb(): Promise<number> {
    const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(this.child.pid)]);
    return Number(stdout.trim()) / 1_024;
  }

  async stop(): Promise<void> {
    await this.api.close();
    await this.child.stop();
  }
}

/** Writes its config and starts the process; it may not listen yet. */
export async function spawnServer(options: ServerOptions): Promise<ProbedChild> {
  const { folder, env = {} } = options;
  const configFile = join(folder, 'config.yaml');
  await writeFile(configFile, configOf(options), { mode: 0o600 });
  return new ProbedChild({
    name: 'server',
    args: [PROGRAM, 'server', '--config', configFile],
    cwd: folder,
    env: { ...ownEnvironment(), ...env },
    logFile: join(folder, 'server.log'),
  });
}

export async function listening(child: ProbedChild): Promise<string> {
  return child.waitForUrl(/ listening url=(http:\S+)/);
}

/** Reads one histogram with one label from the Prometheus text; empty when the server does not have it. */
export function readPhases(metrics: string, name: string, label: string): Phases {
  const phases = new Map<string, { sumMs: number; count: number }>();
  const line = new RegExp(`^${name}_(sum|count)\\{${label}="([^"]+)"\\} (\\S+)$`, 'gm');
  for (const [, kind, phase = '', value] of metrics.matchAll(line)) {
    const entry = phases.get(phase) ?? { sumMs: 0, count: 0 };
    if (kind === 'sum') entry.sumMs = Number(value) * 1_000;
    else entry.count = Number(value);
    phases.set(phase, entry);
  }
  return phases;
}
