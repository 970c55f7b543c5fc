import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Fence, LeaseStore } from '../store/store.ts';

const LEASE_TTL_MS = 10_000;
const RENEW_EVERY_MS = 3_000;
/** A standby asks more often than a holder renews, so that work moves soon after a lease runs out. */
const ASK_EVERY_MS = 1_000;

export interface LeaseDeps {
  readonly leases: LeaseStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly holder: string;
}

/**
 * The right of this process to run one loop for now. It is trusted only as long as it can last by our own
 * monotonic clock, counted from before the request that renewed it; writes are fenced by its epoch besides.
 */
export class Lease {
  readonly #name: string;
  readonly #deps: LeaseDeps;
  readonly #onTaken: () => void;
  #fence: Fence | undefined;
  #validUntil = 0;

  constructor(name: string, deps: LeaseDeps, onTaken: () => void) {
    this.#name = name;
    this.#deps = deps;
    this.#onTaken = onTaken;
  }

  /** `undefined` while another process has it, or ours may have run out. */
  current(): Fence | undefined {
    return this.#deps.clock.monotonic() < this.#validUntil ? this.#fence : undefined;
  }

  /** Takes and renews until `signal` aborts. */
  async keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#tryTake();
      const isHeld = this.current() !== undefined;
      await this.#deps.clock.sleep(isHeld ? RENEW_EVERY_MS : ASK_EVERY_MS, signal);
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
    const { leases, clock, logger, holder } = this.#deps;
    const askedAt = clock.monotonic();
    const hadIt = this.current() !== undefined;
    try {
      const fence = await leases.tryAcquire(this.#name, holder, LEASE_TTL_MS);
      this.#fence = fence;
      this.#validUntil = fence === undefined ? 0 : askedAt + LEASE_TTL_MS;
    } catch (error) {
      logger.warn({ err: error, lease: this.#name }, 'lease not renewed');
    }
    const hasIt = this.current() !== undefined;
    if (hadIt !== hasIt) logger.info({ lease: this.#name }, hasIt ? 'lease taken' : 'lease lost');
    if (hasIt && !hadIt) this.#onTaken();
  }
}
