import type { Clock } from './clock.ts';

const REMIND_EVERY_MS = 30_000;
/** Texts with something of the moment in them must not pile up here. */
const MOST_MESSAGES = 20;

export interface Failure {
  readonly err: unknown;
  /** How many there were since one was logged last, this one included. */
  readonly failures: number;
}

/**
 * A row of failures is logged when it starts and every 30 s while it lasts, and so is each further message in it: what
 * is tried every second must not fill the log of an outage.
 */
export class FailureLog {
  readonly #clock: Clock;
  readonly #log: (failure: Failure) => void;
  readonly #loggedAt = new Map<string, number>();
  #unlogged = 0;

  constructor(clock: Clock, log: (failure: Failure) => void) {
    this.#clock = clock;
    this.#log = log;
  }

  fail(err: unknown): void {
    this.#unlogged += 1;
    const now = this.#clock.monotonic();
    const message = err instanceof Error ? err.message : String(err);
    const loggedAt = this.#loggedAt.get(message);
    if (loggedAt !== undefined && now - loggedAt < REMIND_EVERY_MS) return;
    this.#log({ err, failures: this.#unlogged });
    if (this.#loggedAt.size >= MOST_MESSAGES) this.#loggedAt.clear();
    this.#loggedAt.set(message, now);
    this.#unlogged = 0;
  }

  /** It works (again). */
  end(): void {
    this.#loggedAt.clear();
    this.#unlogged = 0;
  }
}
