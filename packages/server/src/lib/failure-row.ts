import type { Clock } from './clock.ts';

const REMIND_EVERY_MS = 30_000;
/** Texts with something of the moment in them must not pile up here. */
const MOST_MESSAGES = 20;

export interface Failure {
  readonly err: unknown;
  /** How many there were since one was told last, this one included. */
  readonly failures: number;
}

/**
 * A row of failures is told when it starts and every 30 s while it lasts, and so is each further message in it: what
 * is tried every second must not fill the log of an outage.
 */
export class FailureRow {
  readonly #clock: Clock;
  readonly #tell: (failure: Failure) => void;
  readonly #toldAt = new Map<string, number>();
  #untold = 0;

  constructor(clock: Clock, tell: (failure: Failure) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  fail(err: unknown): void {
    this.#untold += 1;
    const now = this.#clock.monotonic();
    const message = err instanceof Error ? err.message : String(err);
    const toldAt = this.#toldAt.get(message);
    if (toldAt !== undefined && now - toldAt < REMIND_EVERY_MS) return;
    this.#tell({ err, failures: this.#untold });
    if (this.#toldAt.size >= MOST_MESSAGES) this.#toldAt.clear();
    this.#toldAt.set(message, now);
    this.#untold = 0;
  }

  /** It works (again). */
  end(): void {
    this.#toldAt.clear();
    this.#untold = 0;
  }
}
