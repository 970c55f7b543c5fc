import type { Clock } from './clock.ts';

export interface BreakerOptions {
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * Opens after a failure, for `firstMs`, doubled with each further one. Once that time is over it lets one probe
 * through; the probe's success closes it, its failure opens it for longer.
 */
export class Breaker {
  readonly #clock: Clock;
  readonly #options: BreakerOptions;
  #failures = 0;
  #openUntil = 0;
  #isProbing = false;

  constructor(clock: Clock, options: BreakerOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** Epoch milliseconds at which a probe may go; `null`: closed, or the probe may go now. */
  get retryAt(): number | null {
    const remainingMs = this.#openUntil - this.#clock.monotonic();
    return this.#failures > 0 && remainingMs > 0 ? this.#clock.now() + remainingMs : null;
  }

  /** How many may go now: no bound while closed, one probe when its time has come, else none. */
  get allowed(): number {
    if (this.#failures === 0) return Infinity;
    return this.retryAt === null && !this.#isProbing ? 1 : 0;
  }

  /** Tells that one goes now. */
  start(): void {
    if (this.#failures > 0) this.#isProbing = true;
  }

  succeed(): void {
    this.#failures = 0;
    this.#isProbing = false;
  }

  fail(): void {
    // Those that were under way when it opened must not count as many failures in a row.
    if (this.#failures > 0 && !this.#isProbing) return;
    this.#isProbing = false;
    const { firstMs, longestMs } = this.#options;
    const openMs = Math.min(firstMs * 2 ** Math.min(this.#failures, 20), longestMs);
    this.#failures += 1;
    this.#openUntil = this.#clock.monotonic() + openMs;
  }

  /** The probe never went: another may. */
  skip(): void {
    this.#isProbing = false;
  }
}
