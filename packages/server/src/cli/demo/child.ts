import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Clock } from '../../lib/clock.ts';

const DIE_WITH_DEMO = import.meta.resolve('./die-with-demo.ts');

const LAST_LINES = 20;
/** The server gives itself 10 s to finish what is in flight. */
const GRACE_MS = 12_000;

export interface ChildOptions {
  /** For messages, such as `server`. */
  readonly name: string;
  /** A JavaScript file and its arguments; no secrets, everybody can read them. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** All it prints is appended here. */
  readonly logFile: string;
  readonly onLine?: (line: string) => void;
  /** Lines that say nothing about why it ended; they are in the log file only. Default: none. */
  readonly isChatter?: (line: string) => boolean;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A Node program that ends when the demo ends, whatever ends the demo. */
export class DemoChild {
  readonly name: string;
  readonly logFile: string;
  /** Resolves once it is gone and all it printed is in the log file; never rejects. */
  readonly exited: Promise<ChildExit>;
  readonly #process: ChildProcess;
  readonly #lastLines: string[] = [];

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.logFile = options.logFile;
    const log = createWriteStream(options.logFile, { flags: 'a' });
    this.#process = spawn(process.execPath, ['--import', DIE_WITH_DEMO, ...options.args], {
      cwd: options.cwd,
      env: { ...options.env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Ctrl-C goes to the terminal's whole process group; the demo ends its children itself, in order.
      detached: true,
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream !== null) this.#read(stream, log, options);
    }
    this.exited = this.#exit(log);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** What it printed last, oldest first. */
  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Asks it to end, and ends it if it does not. */
  async stop(clock: Clock): Promise<void> {
    this.kill('SIGTERM');
    const cancel = clock.after(GRACE_MS, () => this.kill('SIGKILL'));
    await this.exited;
    cancel();
  }

  #read(stream: Readable, log: WriteStream, { onLine, isChatter }: ChildOptions): void {
    createInterface({ input: stream }).on('line', (line) => {
      log.write(`${line}\n`);
      onLine?.(line);
      if (isChatter?.(line) === true) return;
      this.#lastLines.push(line);
      if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift();
    });
  }

  #exit(log: WriteStream): Promise<ChildExit> {
    return new Promise((resolve) => {
      const finish = (exit: ChildExit): void => {
        log.end(() => resolve(exit));
      };
      this.#process.once('close', (code, signal) => finish({ code, signal }));
      // It could not be started: there will be no `close`.
      this.#process.once('error', (error) => {
        if (this.#process.pid !== undefined) return;
        this.#lastLines.push(error.message);
        finish({ code: null, signal: null });
      });
    });
  }
}
