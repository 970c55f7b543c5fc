import { readFileSync, rmSync } from 'node:fs';
import { Child, type ChildOptions } from '@dispatchoor/testbed';
import { waitFor } from '../lib/clock.ts';
import type { DelayReading } from './probe.ts';

const PROBE = import.meta.resolve('./probe.ts');

const running = new Set<ProbedChild>();
let isOver = false;

/** Ends what is still running, for a row that failed. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].map((child) => child.stop()));
}

/** A row that was interrupted may go on for a moment: from here on it starts nothing. */
export function startNothingMore(): void {
  isOver = true;
}

/** A Node program that says how busy it is. What it prints goes to its log file without passing through the bench. */
export class ProbedChild {
  readonly #child: Child;
  readonly #gone: Promise<void>;
  #questions = 0;
  #isEnding = false;

  constructor(options: Omit<ChildOptions, 'preload' | 'onLine'>) {
    if (isOver) throw new Error(`${options.name} is not started: the bench ends`);
    // Of another one before it, which said where it listened, too.
    rmSync(options.logFile, { force: true });
    this.#child = new Child({ ...options, preload: [PROBE] });
    running.add(this);
    this.#gone = this.#untilExit();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The URL of the first line that has one and fits. */
  async waitForUrl(line: RegExp): Promise<string> {
    const find = (): string | undefined => {
      if (!running.has(this) && !this.#isEnding) throw this.#ended();
      return line.exec(readFileSync(this.#child.logFile, 'utf8'))?.[1];
    };
    return waitFor(`${this.#child.name} says where it listens`, find, { everyMs: 2 });
  }

  send(message: object): void {
    this.#child.send(message);
  }

  /** The next message for which `read` has a value. Rejects when the process ends first. */
  async receive<T>(read: (message: unknown) => T | undefined): Promise<T> {
    const found = Promise.withResolvers<T>();
    const stopListening = this.#child.onMessage((message) => {
      const value = read(message);
      if (value !== undefined) found.resolve(value);
    });
    const gone = this.#gone.then(() => {
      throw this.#ended();
    });
    try {
      return await Promise.race([found.promise, gone]);
    } finally {
      stopListening();
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
    await this.#child.stop();
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
    if (error !== undefined) throw new Error(`${this.#child.name}: ${error}`);
    return value;
  }

  async #untilExit(): Promise<void> {
    await this.#child.exited;
    running.delete(this);
  }

  #ended(): Error {
    const { name, logFile, lastLines } = this.#child;
    const lines = [`${name} has ended by itself; the end of ${logFile}:`, ...lastLines];
    return new Error(lines.join('\n'));
  }
}
