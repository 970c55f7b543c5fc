import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Budget, BudgetStore } from '../forge.ts';
import type { RequestBudget } from './budget.ts';

/** What other replicas learnt reaches us this late at most; a limit that they met we would meet ourselves. */
const REFRESH_EVERY_MS = 5_000;
/** `remaining` changes with every request: written this often at most. */
const SAVE_EVERY_MS = 5_000;

export interface BudgetKeeperOptions {
  readonly budgetId: string;
  /** Asked anew each time: two credentials that turn out to be one user come to share a budget. */
  readonly budget: () => RequestBudget;
  /** The part of the row that is the credential's own. */
  readonly standing: () => Pick<Budget, 'actor' | 'error' | 'isConnected'>;
  readonly onLoaded: (budget: Budget) => void;
  readonly store: BudgetStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Keeps a budget in step with its row. A store that fails costs foresight, never a request: what this process
 * knows goes on to count.
 */
export class BudgetKeeper {
  readonly #options: BudgetKeeperOptions;
  #loadedAt: number | undefined;
  #loading: Promise<void> | undefined;
  #savedAt = Number.NEGATIVE_INFINITY;
  #isDirty = false;
  /** The limits of the last row that was written or read. */
  #seen = '';
  #hasConnected = false;
  #saving: Promise<void> = Promise.resolve();
  #isSaveQueued = false;
  #cancelSave: (() => void) | undefined;
  #isClosed = false;

  constructor(options: BudgetKeeperOptions) {
    this.#options = options;
  }

  /** Reads the row unless it was read a moment ago. Never rejects. */
  async refresh(): Promise<void> {
    const isFresh =
      this.#loadedAt !== undefined &&
      this.#options.clock.monotonic() - this.#loadedAt < REFRESH_EVERY_MS;
    if (isFresh || this.#isClosed) return;
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
  }

  /** @param isUrgent others must know at once: a block, a lost connection */
  noteChange(isUrgent: boolean): void {
    if (this.#isClosed) return;
    this.#isDirty = true;
    const { clock } = this.#options;
    const waitMs = this.#savedAt + SAVE_EVERY_MS - clock.monotonic();
    if (isUrgent || waitMs <= 0) {
      this.#save();
      return;
    }
    this.#cancelSave ??= clock.after(waitMs, () => {
      this.#save();
    });
  }

  /** The credential works now: whoever waits for that is notified, whatever the row says of another process or life. */
  noteConnected(): void {
    this.#hasConnected = true;
    this.noteChange(true);
  }

  /** Resolves when the last change is written or has failed. */
  async close(): Promise<void> {
    if (this.#isDirty) this.#save();
    this.#isClosed = true;
    this.#cancelSave?.();
    await this.#saving;
  }

  async #load(): Promise<void> {
    const { store, budgetId, clock, logger } = this.#options;
    try {
      const budget = await store.findBudget(budgetId);
      if (budget !== undefined) {
        if (this.#isNews(budget)) this.#options.budget().adopt(budget);
        this.#options.onLoaded(budget);
      }
    } catch (error) {
      logger.warn({ err: error, budgetId }, 'budget not loaded');
    }
    this.#loadedAt = clock.monotonic();
  }

  /** What this process has written or read before may be of a clock that was put right since. */
  #isNews(row: Budget): boolean {
    const { blockedUntil, resetAt, remaining, secondaryHits, rateFactor } = row;
    const limits = JSON.stringify([blockedUntil, resetAt, remaining, secondaryHits, rateFactor]);
    if (limits === this.#seen) return false;
    this.#seen = limits;
    return true;
  }

  #save(): void {
    this.#cancelSave?.();
    this.#cancelSave = undefined;
    this.#isDirty = false;
    this.#savedAt = this.#options.clock.monotonic();
    // One that has not begun yet will write what holds by then. One after the other, so that an older state
    // cannot overwrite a newer one.
    if (this.#isSaveQueued) return;
    this.#isSaveQueued = true;
    this.#saving = this.#saving.then(() => this.#write());
  }

  async #write(): Promise<void> {
    const { store, budgetId, budget, standing, logger } = this.#options;
    this.#isSaveQueued = false;
    const hasConnected = this.#hasConnected;
    this.#hasConnected = false;
    try {
      const row = { ...budget().state(), ...standing() };
      await store.saveBudget(budgetId, row, hasConnected);
      this.#isNews(row);
    } catch (error) {
      this.#hasConnected ||= hasConnected;
      logger.warn({ err: error, budgetId }, 'budget not saved');
    }
  }
}
