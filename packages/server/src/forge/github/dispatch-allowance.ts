import type { Clock } from '../../lib/clock.ts';
import type { BudgetStore } from '../forge.ts';
import type { Connection, DispatchStanding } from './connection.ts';

/** Dispatches: a burst, then so many a second. */
export interface DispatchRate {
  readonly burst: number;
  readonly perSecond: number;
}

export interface DispatchAllowanceOptions {
  readonly connection: Connection;
  /** `null`: no ceiling of ours. */
  readonly rate: DispatchRate | null;
  readonly store: BudgetStore;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * The ceiling on dispatches. The bucket itself is in the store, where all replicas take from it; beside it a
 * copy of what this process took, good enough to plan with: a claim still asks `take`.
 */
export class DispatchAllowance {
  readonly #options: DispatchAllowanceOptions;
  #left: number | undefined;
  #countedAt = 0;
  #retryAt: number | null = null;

  constructor(options: DispatchAllowanceOptions) {
    this.#options = options;
  }

  /** `null`: taken; else when to ask again. */
  async take(): Promise<number | null> {
    const { connection, store } = this.#options;
    await connection.keeper.refresh();
    const blockedUntil = connection.budget.admit('dispatch');
    if (blockedUntil !== null) return blockedUntil;
    const rate = this.#rateNow();
    if (rate === null) return null;
    this.#count(rate, this.#options.clock.now());
    const retryAt = await store.takeDispatch(connection.source.id, rate);
    this.#left = retryAt === null ? Math.max(0, (this.#left ?? rate.burst) - 1) : 0;
    this.#retryAt = retryAt;
    return retryAt;
  }

  /**
   * All by one reading of the clock: between two the next one may come, and then there would be none left and no moment
   * to wait for. Who sees that none is left does not ask `take`, so what the store said last is not enough to wake anybody.
   */
  standing(): DispatchStanding {
    const { connection, clock } = this.#options;
    const blockedUntil = connection.budget.retryAt('dispatch');
    if (blockedUntil !== null) return { dispatchesLeft: 0, retryAt: blockedUntil };
    const { remaining } = connection.budget.rate();
    const rate = this.#rateNow();
    if (rate === null) return { dispatchesLeft: remaining, retryAt: null };
    const now = clock.now();
    this.#count(rate, now);
    const left = this.#left ?? rate.burst;
    const ownRetryAt = left >= 1 ? null : Math.ceil(now + ((1 - left) / rate.perSecond) * 1_000);
    return {
      dispatchesLeft: Math.min(Math.floor(left), remaining ?? Number.POSITIVE_INFINITY),
      retryAt: this.#retryAt !== null && this.#retryAt > now ? this.#retryAt : ownRetryAt,
    };
  }

  /** After a secondary limit only a part of the configured rate is in force. */
  #rateNow(): DispatchRate | null {
    const { rate, connection } = this.#options;
    if (rate === null) return null;
    const factor = connection.budget.rateFactor;
    return {
      burst: Math.max(1, Math.floor(rate.burst * factor)),
      perSecond: rate.perSecond * factor,
    };
  }

  #count(rate: DispatchRate, now: number): void {
    if (this.#left !== undefined) {
      const grown = (Math.max(0, now - this.#countedAt) / 1_000) * rate.perSecond;
      this.#left = Math.min(rate.burst, this.#left + grown);
    }
    this.#countedAt = now;
  }
}
