import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Pool } from 'undici';
import { z } from 'zod';
import { waitFor } from '../lib/clock.ts';
import { type ConfigOptions, configOf, secrets } from '../setting.ts';
import { Child } from './child.ts';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(import.meta.resolve('../../packages/server/bin/dispatchoor.js'));
const CONNECTIONS = 4;

export interface ServerOptions extends ConfigOptions {
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Sum and count of each label of one histogram of the server's. */
export type Phases = ReadonlyMap<string, { readonly sumMs: number; readonly count: number }>;

/** `dispatchoor server`, started as an operator would, and its API. */
export class Server {
  readonly child: Child;
  readonly url: string;
  readonly token: string;
  readonly #pool: Pool;

  private constructor(child: Child, url: string, token: string) {
    this.child = child;
    this.url = url;
    this.token = token;
    this.#pool = new Pool(url, { connections: CONNECTIONS });
  }

  /** Resolves when it has answered a login. */
  static async start(options: ServerOptions): Promise<Server> {
    const child = await spawnServer(options);
    const url = await listening(child);
    const response = await fetch(`${url}/api/v1/auth/login`, {
      method: 'POST',
      body: JSON.stringify(secrets.login),
    });
    const { token } = z.object({ token: z.string() }).parse(await response.json());
    return new Server(child, url, token);
  }

  async call(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
    const response = await this.#pool.request({
      method,
      path,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.body.text();
    if (response.statusCode >= 300) {
      throw new Error(`${method} ${path}: ${response.statusCode} ${text}`);
    }
    return text === '' ? undefined : path === '/metrics' ? text : JSON.parse(text);
  }

  async addJob(groupId: string, job: object): Promise<string> {
    const added = await this.call('POST', `/api/v1/groups/${groupId}/queue`, job);
    return z.object({ id: z.string() }).parse(added).id;
  }

  async metrics(): Promise<string> {
    return z.string().parse(await this.call('GET', '/metrics'));
  }

  /** Until it has seen so many runners on the forge. */
  async waitForRunners(count: number): Promise<void> {
    const ask = async (): Promise<true | undefined> => {
      const text = await this.metrics();
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
    await this.#pool.destroy();
    await this.child.stop();
  }
}

/** Writes its config and starts the process; it may not listen yet. */
export async function spawnServer(options: ServerOptions): Promise<Child> {
  const { folder, env = {} } = options;
  const configFile = join(folder, 'config.yaml');
  await writeFile(configFile, configOf(options), { mode: 0o600 });
  return new Child({
    name: 'server',
    args: [PROGRAM, 'server', '--config', configFile],
    cwd: folder,
    env,
    logFile: join(folder, 'server.log'),
  });
}

export async function listening(child: Child): Promise<string> {
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
