import type { Clock } from '../lib/clock.ts';
import { FailureLog } from '../lib/failure-log.ts';
import type { Logger } from '../lib/logger.ts';
import type { Fence, LeaseStore } from '../store/port/leases.ts';

/** Parts of the lease. Two renewals may fail before it is lost. */
const RENEW_EVERY = 0.3;
/** A standby asks more often than a holder renews, so that work moves soon after a lease runs out. */
const ASK_EVERY = 0.1;

export interface LeaseDeps {
  readonly leases: LeaseStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly holder: string;
  /** How long a lease lasts unless it is renewed. */
  readonly leaseMs: number;
}

/**
 * The right of this process to run one loop for now. It is trusted only as long as it can last by our own
 * monotonic clock, counted from before the request that renewed it; writes are fenced by its epoch besides.
 */
export class Lease {
  readonly #name: string;
  readonly #deps: LeaseDeps;
  readonly #onTaken: () => void;
  readonly #failures: FailureLog;
  #fence: Fence | undefined;
  #validUntil = 0;

  constructor(name: string, deps: LeaseDeps, onTaken: () => void) {
    this.#name = name;
    this.#deps = deps;
    this.#onTaken = onTaken;
    this.#failures = new FailureLog(deps.clock, (failure) => {
      deps.logger.warn({ ...failure, lease: name }, 'lease not renewed');
    });
  }

  /** `undefined` while another process has it, or ours may have run out. */
  current(): Fence | undefined {
    return this.#deps.clock.monotonic() < this.#validUntil ? this.#fence : undefined;
  }

  /** Takes and renews until `signal` aborts. */
  async keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#tryTake();
      const { clock, leaseMs } = this.#deps;
      const part = this.current() === undefined ? ASK_EVERY : RENEW_EVERY;
      await clock.sleep(leaseMs * part, signal);
    }
  }

  /** Hands it over at once, instead of letting the others wait for its end. */
  async release(): Promise<void> {
    const fence = this.#fence;
    this.#fence = undefined;
    if (fence === undefined) return;
    try {
      await this.#deps.leases.release(fence);
    } catch (error) {
      this.#deps.logger.warn({ err: error, lease: this.#name }, 'lease not released: it runs out');
    }
  }

  async #tryTake(): Promise<void> {
    const { leases, clock, logger, holder, leaseMs } = this.#deps;
    const askedAt = clock.monotonic();
    const hadIt = this.current() !== undefined;
    try {
      const fence = await leases.tryAcquire(this.#name, holder, leaseMs);
      this.#fence = fence;
      this.#validUntil = fence === undefined ? 0 : askedAt + leaseMs;
      this.#failures.end();
    } catch (error) {
      this.#failures.fail(error);
    }
    const hasIt = this.current() !== undefined;
    if (hadIt !== hasIt) logger.info({ lease: this.#name }, hasIt ? 'lease taken' : 'lease lost');
    if (hasIt && !hadIt) this.#onTaken();
  }
}
