import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, closeSync, createWriteStream, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { systemClock } from '../clock.ts';
import { lastLines } from './log-tail.ts';

/** A module for `node --import`, as a file URL. */
export const dieWithParent = import.meta.resolve('./die-with-parent.ts');
/** The server gives itself 10 s to finish what is in flight. */
const GRACE_MS = 12_000;

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ChildOptions {
  /** For messages, such as `server`. */
  readonly name: string;
  /** A JavaScript or TypeScript file and its arguments; no secrets, everybody can read them. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment; default: that of its parent. */
  readonly env?: Environment;
  /** All it prints is appended here. */
  readonly logFile: string;
  /** Called with each line it prints, which passes through the parent only for this. */
  readonly onLine?: (line: string) => void;
  /** Lines that say nothing about why it ended; they are in the log file only. Default: none. */
  readonly isChatter?: (line: string) => boolean;
  /** Modules loaded before its program, as file URLs. */
  readonly preload?: readonly string[];
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A Node program that ends when its parent ends, whatever ends the parent. */
export class Child {
  readonly name: string;
  readonly logFile: string;
  /** Resolves once it is gone and all it printed is in the log file; never rejects. */
  readonly exited: Promise<ChildExit>;
  readonly #process: ChildProcess;
  readonly #options: ChildOptions;

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.logFile = options.logFile;
    this.#options = options;
    const log = openSync(options.logFile, 'a');
    this.#process = spawnNode(options, log);
    closeSync(log);
    this.exited = this.#exit(this.#readLines());
  }

  /** @throws it could not be started */
  get pid(): number {
    const { pid } = this.#process;
    if (pid === undefined) throw new Error(`${this.name} could not be started`);
    return pid;
  }

  /** What it printed last, oldest first. */
  get lastLines(): string[] {
    return lastLines(this.logFile, this.#options.isChatter);
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Asks it to end, and ends it if it does not. Repeatable. */
  async stop(): Promise<void> {
    this.kill('SIGTERM');
    const cancel = systemClock.after(GRACE_MS, () => this.kill('SIGKILL'));
    await this.exited;
    cancel();
  }

  /** To its `process.on('message')`. */
  send(message: object): void {
    this.#process.send(message);
  }

  /** @returns how to listen no longer */
  onMessage(listener: (message: unknown) => void): () => void {
    this.#process.on('message', listener);
    return () => this.#process.off('message', listener);
  }

  /** @returns how to have the log file complete, once all was printed */
  #readLines(): () => Promise<void> {
    const { logFile, onLine } = this.#options;
    if (onLine === undefined) return () => Promise.resolve();
    const log = createWriteStream(logFile, { flags: 'a' });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        log.write(`${line}\n`);
        onLine(line);
      });
    }
    return () => new Promise((resolve) => log.end(resolve));
  }

  async #exit(completeLog: () => Promise<void>): Promise<ChildExit> {
    const { promise, resolve } = Promise.withResolvers<ChildExit>();
    this.#process.once('close', (code, signal) => resolve({ code, signal }));
    // It could not be started: there will be no `close`.
    this.#process.once('error', (error) => {
      if (this.#process.pid !== undefined) return;
      appendFileSync(this.logFile, `${error.message}\n`);
      resolve({ code: null, signal: null });
    });
    const exit = await promise;
    await completeLog();
    return exit;
  }
}

function spawnNode({ args, cwd, env, onLine, preload = [] }: ChildOptions, log: number) {
  const imports = [dieWithParent, ...preload].flatMap((module) => ['--import', module]);
  const output = onLine === undefined ? log : 'pipe';
  return spawn(process.execPath, [...imports, ...args], {
    cwd,
    ...(env !== undefined && { env: { ...env } }),
    stdio: ['ignore', output, output, 'ipc'],
    serialization: 'advanced',
    // Ctrl-C goes to the terminal's whole process group; the parent ends its children itself, in order.
    detached: true,
  });
}
