import { join } from 'node:path';
import type { Clock } from '@dispatchoor/testbed';
import { Child, type ChildOptions, type Environment } from '@dispatchoor/testbed';
import { findListeningUrl } from './forge-sim.ts';

const STARTED_WITHIN_MS = 30_000;

/** A child process ended although nobody asked it to, or did not start. The message has its last lines. */
export class ChildFailure extends Error {
  constructor(child: Child, what: string) {
    const lines = child.lastLines.map((line) => `  ${line}`);
    super(
      [`${child.name} ${what}. Its last lines, all of them in ${child.logFile}:`, ...lines].join(
        '\n',
      ),
    );
  }
}

/** @param program of the server: a JavaScript file */
export function serverProcess(
  program: string,
  stateFolder: string,
  env: Environment,
): ChildOptions {
  return {
    name: 'server',
    args: [program, 'server', '--config', join(stateFolder, 'config.yaml')],
    cwd: stateFolder,
    env,
    logFile: join(stateFolder, 'server.log'),
    // The demo itself asks twenty times a second.
    isChatter: (line) => line.includes(' INFO  request '),
  };
}

/** The two programs of a demo. */
export class DemoProcesses {
  readonly #clock: Clock;
  readonly #running = new Set<Child>();
  readonly #failure = Promise.withResolvers<never>();
  #serverOptions: ChildOptions | undefined;
  #server: Child | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    // Nobody may be waiting yet when the first child fails.
    this.#failure.promise.catch(() => undefined);
  }

  /** Never resolves; rejects with `ChildFailure` when a child ends by itself. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  /** @returns the URL it says it listens on */
  async startForgeSim(options: ChildOptions): Promise<string> {
    const listening = Promise.withResolvers<string>();
    const child = this.#start({
      ...options,
      onLine: (line) => {
        const url = findListeningUrl(line);
        if (url !== undefined) listening.resolve(url);
      },
    });
    const late = (): void =>
      listening.reject(new ChildFailure(child, 'does not say where it listens'));
    const cancel = this.#clock.after(STARTED_WITHIN_MS, late);
    try {
      return await Promise.race([listening.promise, this.failure]);
    } finally {
      cancel();
    }
  }

  /** Resolves once `isReady` says so. */
  async startServer(options: ChildOptions, isReady: () => Promise<boolean>): Promise<void> {
    this.#serverOptions = options;
    const server = this.#start(options);
    this.#server = server;
    const giveUpAt = this.#clock.monotonic() + STARTED_WITHIN_MS;
    const waiting = async (): Promise<void> => {
      while (!(await isReady())) {
        if (!this.#running.has(server)) return;
        if (this.#clock.monotonic() > giveUpAt) {
          throw new ChildFailure(server, `is not ready after ${STARTED_WITHIN_MS / 1_000} s`);
        }
        await this.#clock.sleep(50);
      }
    };
    await Promise.race([waiting(), this.failure]);
  }

  /** As a power cut would, then starts it again on the same state; does not wait until it is ready. */
  async killServer(): Promise<void> {
    const server = this.#server;
    if (server === undefined || this.#serverOptions === undefined) return;
    this.#running.delete(server);
    server.kill('SIGKILL');
    await server.exited;
    this.#server = this.#start(this.#serverOptions);
  }

  /** Lets it finish what is in flight. */
  async stopServer(): Promise<void> {
    if (this.#server !== undefined) await this.#stop(this.#server);
  }

  async stop(): Promise<void> {
    await this.stopServer();
    await Promise.all([...this.#running].map((child) => this.#stop(child)));
  }

  #start(options: ChildOptions): Child {
    const child = new Child(options);
    this.#running.add(child);
    const onExit = async (): Promise<void> => {
      const { code, signal } = await child.exited;
      if (!this.#running.delete(child)) return;
      const how = signal === null ? `with exit code ${code ?? 'unknown'}` : `by ${signal}`;
      this.#failure.reject(new ChildFailure(child, `has ended by itself, ${how}`));
    };
    onExit().catch((error: unknown) => this.#failure.reject(error));
    return child;
  }

  async #stop(child: Child): Promise<void> {
    if (this.#running.delete(child)) await child.stop();
  }
}
