import { writeSync } from 'node:fs';
import type { Clock } from './clock.ts';

/** A day's worth of a quiet server's log. */
const MOST_WAITING_BYTES = 1024 * 1024;
const FULL_PIPE_RETRY_MS = 20;
const ERROR_RETRY_MS = 1_000;

/** A time in which the log could not be written. */
export interface LogTrouble {
  /** The code of the last error, such as `ENOSPC`, or `slow reader`. */
  readonly reason: string;
  /** Its begin: wall clock, epoch milliseconds. */
  readonly since: number;
  /** Lines that were not written and never will be. */
  readonly lost: number;
}

export interface LogSinkOptions {
  /** Where writing fails with EAGAIN rather than waits: `openLogDescriptor` gives such a one. */
  readonly fd: number;
  /** Its timers should keep no process alive. */
  readonly clock: Pick<Clock, 'now' | 'after'>;
  /** The line that ends a trouble: what it was, and what the log lacks. */
  readonly troubleLine: (trouble: LogTrouble) => string;
  /** Called when a write fails that did not fail before. The log cannot report it. */
  readonly onError: (code: string) => void;
  /** Returns how many bytes it took; default `fs.writeSync`. */
  readonly writeBytes?: (fd: number, bytes: Buffer) => number;
}

/**
 * Where log lines go. Losing the log loses nothing else: a write never throws and never waits. What cannot be written
 * (a full disk, a reader that stands still or is gone) waits, up to 1 MiB; what comes after that is lost and counted,
 * since what led to the trouble is worth more. The log says so once all that has waited is written.
 */
export class LogSink {
  readonly #options: LogSinkOptions;
  readonly #writeBytes: (fd: number, bytes: Buffer) => number;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #trouble: LogTrouble | undefined;
  #lostLines = 0;
  #isRetrySet = false;

  constructor(options: LogSinkOptions) {
    this.#options = options;
    this.#writeBytes = options.writeBytes ?? writeSync;
  }

  /** Since it was made. */
  get lostLines(): number {
    return this.#lostLines;
  }

  /** Whether lines wait that may still be written. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** One line with its line break. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    const isFirst = !this.isWaiting;
    if (!isFirst && !this.#hasRoomFor(bytes)) {
      this.#lose();
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (isFirst) this.#writeAndTryAgain();
  }

  /** Writes what waits, as far as that goes now. Returns the code of the error that stopped it. */
  flush(): string | undefined {
    try {
      for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
        const taken = this.#writeBytes(this.#options.fd, next);
        this.#waitingBytes -= taken;
        if (taken === next.length) this.#waiting.shift();
        else this.#waiting[0] = next.subarray(taken);
      }
      return undefined;
    } catch (error) {
      return codeOf(error);
    }
  }

  // Once a line is lost the next ones are too, until all that waits is written: the log then has one gap, and says where.
  #hasRoomFor(bytes: Buffer): boolean {
    const hasGap = this.#trouble !== undefined && this.#trouble.lost > 0;
    return !hasGap && this.#waitingBytes + bytes.length <= MOST_WAITING_BYTES;
  }

  #lose(): void {
    this.#lostLines += 1;
    const trouble = this.#trouble ?? this.#newTrouble('slow reader');
    this.#trouble = { ...trouble, lost: trouble.lost + 1 };
  }

  #writeAndTryAgain(): void {
    const code = this.flush();
    if (code === undefined) {
      this.#endTrouble();
      return;
    }
    const isFullPipe = code === 'EAGAIN';
    if (!isFullPipe) this.#noteError(code);
    this.#retryAfter(isFullPipe ? FULL_PIPE_RETRY_MS : ERROR_RETRY_MS);
  }

  #retryAfter(ms: number): void {
    if (this.#isRetrySet) return;
    this.#isRetrySet = true;
    this.#options.clock.after(ms, () => {
      this.#isRetrySet = false;
      this.#writeAndTryAgain();
    });
  }

  #noteError(code: string): void {
    const isNew = this.#trouble?.reason !== code;
    this.#trouble = { ...(this.#trouble ?? this.#newTrouble(code)), reason: code };
    if (isNew) this.#options.onError(code);
  }

  #newTrouble(reason: string): LogTrouble {
    return { reason, since: this.#options.clock.now(), lost: 0 };
  }

  #endTrouble(): void {
    const trouble = this.#trouble;
    if (trouble === undefined) return;
    this.#trouble = undefined;
    this.write(this.#options.troubleLine(trouble));
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
