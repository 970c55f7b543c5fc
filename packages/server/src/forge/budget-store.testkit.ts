import type { Clock } from '../lib/clock.ts';
import type { Budget, BudgetStore } from './forge.ts';

interface Bucket {
  left: number;
  at: number;
}

/** A `BudgetStore` in memory, with the rules of the port: two forges given one of it are two replicas. */
export class MemoryBudgetStore implements BudgetStore {
  readonly budgets = new Map<string, Budget>();
  saveCount = 0;
  /** While set, every call rejects with it: the database is away. */
  failure: Error | undefined;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  async findBudget(budgetId: string): Promise<Budget | undefined> {
    this.#failIfAway();
    return Promise.resolve(this.budgets.get(budgetId));
  }

  async saveBudget(budgetId: string, budget: Budget): Promise<void> {
    this.#failIfAway();
    this.saveCount += 1;
    const before = this.budgets.get(budgetId)?.blockedUntil ?? 0;
    const blockedUntil = Math.max(before, budget.blockedUntil ?? 0);
    this.budgets.set(budgetId, {
      ...budget,
      blockedUntil: blockedUntil === 0 ? null : blockedUntil,
    });
    await Promise.resolve();
  }

  async takeDispatch(
    credentialId: string,
    rate: { readonly burst: number; readonly perSecond: number },
  ): Promise<number | null> {
    this.#failIfAway();
    const now = this.#clock.now();
    const bucket = this.#buckets.get(credentialId) ?? { left: rate.burst, at: now };
    const grown = ((now - bucket.at) / 1_000) * rate.perSecond;
    const left = Math.min(rate.burst, bucket.left + grown);
    const isTaken = left >= 1;
    this.#buckets.set(credentialId, { left: isTaken ? left - 1 : left, at: now });
    await Promise.resolve();
    return isTaken ? null : now + Math.ceil(((1 - left) / rate.perSecond) * 1_000);
  }

  #failIfAway(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}
