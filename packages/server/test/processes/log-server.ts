import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ForgeSim, startForgeSim } from '@dispatchoor/forge-sim';
import { dieWithParent } from '@dispatchoor/testbed';
import type { TestContext } from 'vitest';
import { Api } from '../harness/api.ts';
import { makeConfig } from '../harness/config-file.ts';
import { acme } from '../harness/fixtures.ts';
import { until } from '../harness/until.ts';
import { COMPILE_CACHE } from './server-process.ts';

const PROGRAM = fileURLToPath(import.meta.resolve('../../bin/dispatchoor.js'));
const GIVE_UP_AFTER_MS = 120_000;

export type LogFormat = 'text' | 'json';

export interface LogServerStart {
  readonly folder: string;
  readonly format: LogFormat;
  /** Where its log goes: a descriptor of the test, or a socket that nobody reads. */
  readonly stdout: number | 'pipe';
}

/** A server that is known by its HTTP and its end alone: what becomes of its log is the test's matter. */
export class LogServer {
  readonly sim: ForgeSim;
  readonly api: Api;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown[]>;

  private constructor(sim: ForgeSim, url: string, child: ChildProcess) {
    this.sim = sim;
    this.api = new Api(() => url);
    this.#child = child;
    this.#exited = once(child, 'exit');
  }

  /** Resolves when it answers. It ends with the test. */
  static async start(
    { folder, format, stdout }: LogServerStart,
    { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  ): Promise<LogServer> {
    const sim = await startForgeSim({ seed: 1 });
    onTestFinished(() => sim.close());
    sim.seed(acme());
    const address = `127.0.0.1:${await freePort()}`;
    const path = join(folder, 'dispatchoor.db');
    const overrides = { server: { listen: address } };
    await makeConfig({
      ...{ folder, baseUrl: sim.url, overrides },
      database: { driver: 'sqlite', path },
    });
    const logs = ['--log-format', format, '--log-level', 'debug'];
    const config = join(folder, 'config.yaml');
    const args = ['--import', dieWithParent, PROGRAM, ...logs, 'server', '--config', config];
    const child = spawn(process.execPath, args, {
      env: { NODE_COMPILE_CACHE: COMPILE_CACHE },
      stdio: ['ignore', stdout, 'ignore', 'ipc'],
    });
    const server = new LogServer(sim, `http://${address}`, child);
    onTestFinished(async () => {
      await server.end('SIGKILL');
    });
    await server.#answers();
    await server.api.login();
    return server;
  }

  /** Sends so many requests at once, each of which is a long line of the log. */
  async fillLog(lines: number): Promise<void> {
    const path = `/api/v1/${'x'.repeat(200)}`;
    const ask = (): Promise<unknown> => this.api.ask(path);
    await Promise.all(Array.from({ length: lines }, ask));
  }

  /** Queues a job and waits for its end. */
  async runsAJob(): Promise<void> {
    const { id } = await this.api.enqueue('linux', { template_id: 'build' });
    await until(
      () => this.api.job(id),
      ({ status }) => status === 'completed',
      { what: 'the job has run', timeoutMs: GIVE_UP_AFTER_MS },
    );
  }

  /** How it has ended. */
  async end(signal: NodeJS.Signals): Promise<{ code: unknown; signal: unknown }> {
    this.#child.kill(signal);
    const [code, by] = await this.#exited;
    return { code, signal: by };
  }

  async #answers(): Promise<void> {
    const isUp = async (): Promise<boolean> => {
      const { exitCode, signalCode } = this.#child;
      if (exitCode !== null || signalCode !== null) {
        throw new Error(`the server has ended with ${exitCode ?? signalCode}`);
      }
      const reply = await this.api.ask('/health', { timeoutMs: 5_000 }).catch(() => undefined);
      return reply?.status === 200;
    };
    await until(isUp, Boolean, { what: 'the server answers', timeoutMs: GIVE_UP_AFTER_MS });
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
