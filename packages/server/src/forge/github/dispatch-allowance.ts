import type { Clock } from '../../lib/clock.ts';
import type { BudgetStore } from '../forge.ts';
import type { Connection } from './connection.ts';

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
    this.#count(rate);
    const retryAt = await store.takeDispatch(connection.source.id, rate);
    this.#left = retryAt === null ? Math.max(0, (this.#left ?? rate.burst) - 1) : 0;
    this.#retryAt = retryAt;
    return retryAt;
  }

  /** How many it would give at this moment; `null`: no ceiling. */
  left(): number | null {
    const { connection } = this.#options;
    if (connection.budget.retryAt('dispatch') !== null) return 0;
    const remaining = connection.budget.rate().remaining;
    const rate = this.#rateNow();
    if (rate === null) return remaining;
    this.#count(rate);
    return Math.min(Math.floor(this.#left ?? rate.burst), remaining ?? Number.POSITIVE_INFINITY);
  }

  /**
   * When the next one will be there; `null`: as far as we know, there is one. Who sees that none is left does not
   * ask `take`, so what the store said last is not enough to wake anybody.
   */
  retryAt(): number | null {
    const now = this.#options.clock.now();
    if (this.#retryAt !== null && this.#retryAt > now) return this.#retryAt;
    const rate = this.#rateNow();
    if (rate === null || this.#left === undefined) return null;
    this.#count(rate);
    return this.#left >= 1 ? null : Math.ceil(now + ((1 - this.#left) / rate.perSecond) * 1_000);
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

  #count(rate: DispatchRate): void {
    const now = this.#options.clock.now();
    if (this.#left !== undefined) {
      const grown = (Math.max(0, now - this.#countedAt) / 1_000) * rate.perSecond;
      this.#left = Math.min(rate.burst, this.#left + grown);
    }
    this.#countedAt = now;
  }
}
