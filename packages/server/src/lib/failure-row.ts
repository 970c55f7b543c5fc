import type { Clock } from './clock.ts';

const REMIND_EVERY_MS = 30_000;

export interface Failure {
  readonly err: unknown;
  /** How many there were since it was told last, this one included. */
  readonly failures: number;
}

/**
 * A row of like failures is told when it starts and every 30 s while it lasts: what is tried every second must not
 * fill the log of an outage.
 */
export class FailureRow {
  readonly #clock: Clock;
  readonly #tell: (failure: Failure) => void;
  #told: { readonly message: string; readonly at: number } | undefined;
  #untold = 0;

  constructor(clock: Clock, tell: (failure: Failure) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  fail(err: unknown): void {
    this.#untold += 1;
    const now = this.#clock.monotonic();
    const message = err instanceof Error ? err.message : String(err);
    const isTold = this.#told?.message === message && now - this.#told.at < REMIND_EVERY_MS;
    if (isTold) return;
    this.#tell({ err, failures: this.#untold });
    this.#told = { message, at: now };
    this.#untold = 0;
  }

  /** It works (again). True when a row of failures ends here. */
  end(): boolean {
    const hasFailed = this.#told !== undefined;
    this.#told = undefined;
    this.#untold = 0;
    return hasFailed;
  }
}
