import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { after, waitFor } from '../lib/clock.ts';
import type { DelayReading } from './probe.ts';

const PROBE = import.meta.resolve('./probe.ts');
/** The server gives itself 10 s to finish what is in flight. */
const GRACE_MS = 12_000;
const LAST_CHARACTERS = 2_000;

export interface ChildOptions {
  /** For messages, such as `server`. */
  readonly name: string;
  /** A JavaScript or TypeScript file and its arguments; no secrets, everybody can read them. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** What it prints goes there without passing through the bench. */
  readonly logFile: string;
  /** Variables besides those of the bench. */
  readonly env?: Readonly<Record<string, string>>;
}

const running = new Set<Child>();
let isOver = false;

/** Ends what is still running, for a row that failed. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].map((child) => child.stop()));
}

/** A row that was interrupted may go on for a moment: from here on it starts nothing. */
export function startNothingMore(): void {
  isOver = true;
}

/** A Node program that ends when the bench ends, whatever ends the bench. */
export class Child {
  readonly #process: ChildProcess;
  readonly #options: ChildOptions;
  readonly #exited: Promise<void>;
  readonly #listeners = new Set<(message: unknown) => void>();
  #questions = 0;
  #isEnding = false;

  constructor(options: ChildOptions) {
    if (isOver) throw new Error(`${options.name} is not started: the bench ends`);
    this.#options = options;
    const log = openSync(options.logFile, 'w');
    const env = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`);
    this.#process = spawn('env', [...env, process.execPath, '--import', PROBE, ...options.args], {
      cwd: options.cwd,
      stdio: ['ignore', log, log, 'ipc'],
      serialization: 'advanced',
      // Ctrl-C goes to the terminal's whole process group; the bench ends its children itself, by their pid.
      detached: true,
    });
    closeSync(log);
    this.#process.on('message', (message) => this.#listeners.forEach((each) => each(message)));
    running.add(this);
    this.#exited = this.#untilExit();
  }

  get pid(): number {
    const { pid } = this.#process;
    if (pid === undefined) throw new Error(`${this.#options.name} could not be started`);
    return pid;
  }

  readLog(): string {
    return readFileSync(this.#options.logFile, 'utf8');
  }

  /** The URL of the first line that has one and fits. */
  async waitForUrl(line: RegExp): Promise<string> {
    const { name } = this.#options;
    return waitFor(
      `${name} says where it listens`,
      () => {
        this.#assertRunning();
        return line.exec(this.readLog())?.[1];
      },
      { everyMs: 2 },
    );
  }

  send(message: object): void {
    this.#process.send(message);
  }

  /** The next message for which `read` has a value. Rejects when the process ends first. */
  async receive<T>(read: (message: unknown) => T | undefined): Promise<T> {
    const found = Promise.withResolvers<T>();
    const listener = (message: unknown): void => {
      const value = read(message);
      if (value !== undefined) found.resolve(value);
    };
    this.#listeners.add(listener);
    const gone = this.#exited.then(() => {
      throw this.#ended();
    });
    try {
      return await Promise.race([found.promise, gone]);
    } finally {
      this.#listeners.delete(listener);
    }
  }

  /** From now on the longest block is kept; starts anew when asked again. */
  async watchDelay(): Promise<void> {
    await this.#ask({ ask: 'watch-delay' });
  }

  async readDelay(): Promise<DelayReading> {
    return (await this.#ask({ ask: 'read-delay' })) as DelayReading;
  }

  /** What it has used of the processors since it was born. */
  async cpuMs(): Promise<number> {
    const { user, system } = (await this.#ask({ ask: 'read-cpu' })) as NodeJS.CpuUsage;
    return (user + system) / 1_000;
  }

  async startProfile(): Promise<void> {
    await this.#ask({ ask: 'start-profile' });
  }

  /** Writes a `.cpuprofile`, which browsers and editors open. */
  async stopProfile(file: string): Promise<void> {
    await this.#ask({ ask: 'stop-profile', file });
  }

  /** Asks it to end, and ends it if it does not. Repeatable. */
  async stop(): Promise<void> {
    this.#isEnding = true;
    this.#process.kill('SIGTERM');
    const cancel = after(GRACE_MS, () => this.#process.kill('SIGKILL'));
    await this.#exited;
    cancel();
  }

  async #ask(question: object): Promise<unknown> {
    this.#questions += 1;
    const id = this.#questions;
    const reply = this.receive((message) => {
      const told = message as { id?: number; reply?: unknown; error?: string };
      return told.id === id ? told : undefined;
    });
    this.send({ ...question, id });
    const { reply: value, error } = await reply;
    if (error !== undefined) throw new Error(`${this.#options.name}: ${error}`);
    return value;
  }

  async #untilExit(): Promise<void> {
    // A program that cannot be started has no exit, only an error.
    await Promise.race([once(this.#process, 'exit'), once(this.#process, 'error')]).catch(() => []);
    running.delete(this);
  }

  #assertRunning(): void {
    if (!running.has(this) && !this.#isEnding) throw this.#ended();
  }

  #ended(): Error {
    const { name, logFile } = this.#options;
    const tail = this.readLog().slice(-LAST_CHARACTERS);
    return new Error(`${name} has ended by itself; the end of ${logFile}:\n${tail}`);
  }
}
