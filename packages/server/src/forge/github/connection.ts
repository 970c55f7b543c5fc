import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { BudgetStore, CredentialStatus, ForgeError, ForgeErrorCode } from '../forge.ts';
import type { RequestBudget } from './budget.ts';
import { BudgetKeeper } from './budget-keeper.ts';
import type { CredentialSource } from './credential-source.ts';

export interface ConnectionOptions {
  readonly source: CredentialSource;
  readonly budget: RequestBudget;
  readonly store: BudgetStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How many dispatches may be sent at this moment (`null`: no ceiling), and when the next will be there (`null`: one is, as far as we know). */
export type DispatchStanding = Pick<CredentialStatus, 'dispatchesLeft' | 'retryAt'>;

/** One credential: how it stands with the forge, and the budget it draws on. */
export class Connection {
  readonly source: CredentialSource;
  readonly keeper: BudgetKeeper;
  readonly #logger: Logger;
  #budget: RequestBudget;
  #actor = '';
  #error = '';
  #failure: ForgeErrorCode | undefined;
  #isConnected = false;
  #isDoubted = false;

  constructor(options: ConnectionOptions) {
    this.source = options.source;
    this.#budget = options.budget;
    this.#logger = options.logger;
    this.keeper = new BudgetKeeper({
      budgetId: options.source.budgetId,
      budget: () => this.#budget,
      standing: () => ({
        actor: this.#actor,
        error: this.#error,
        isConnected: this.#isConnected,
      }),
      onLoaded: (stored) => {
        // Whether it works now, only the forge can say; who it is, somebody has asked before.
        if (this.#actor === '') this.#actor = stored.actor;
      },
      store: options.store,
      clock: options.clock,
      logger: options.logger,
    });
  }

  get budget(): RequestBudget {
    return this.#budget;
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  get actor(): string {
    return this.#actor;
  }

  /** From now on this credential draws on another one's budget: they are one user. */
  shareBudget(budget: RequestBudget): void {
    if (budget === this.#budget) return;
    budget.adopt(this.#budget.state());
    this.#budget = budget;
  }

  noteActor(login: string): void {
    if (login === this.#actor) return;
    const before = this.#actor;
    this.#actor = login;
    if (before !== '') {
      const told = { credentialId: this.source.id, from: before, to: login };
      this.#logger.info(told, 'the account of the credential was renamed');
    }
    this.keeper.noteChange(true);
  }

  /** Any answer that only a working credential gets: heals whatever was wrong. */
  noteWorks(): void {
    this.#isDoubted = false;
    if (this.#isConnected && this.#error === '') return;
    this.#isConnected = true;
    this.#error = '';
    this.#logger.info({ credentialId: this.source.id }, 'credential connected');
    this.keeper.noteConnected();
  }

  /** The forge has answered with a limit: it can be reached, whether or not it takes the credential. */
  noteLimited(): void {
    if (this.#failure !== 'unavailable' && this.#failure !== 'bad-reply') return;
    this.#failure = undefined;
    this.#error = '';
    this.keeper.noteChange(true);
  }

  /**
   * Something was refused as if the credential did not work. That may be what stands before one run or repository: while it was
   * stopped for that, good jobs waited 20 s. Who it is decides, and is asked soon.
   */
  noteRefused(error: ForgeError): void {
    if (this.#isConnected) this.#isDoubted = true;
    else this.noteFails(error);
  }

  noteFails(error: ForgeError): void {
    this.#isDoubted = false;
    if (!this.#isConnected && this.#error === error.message) return;
    this.#isConnected = false;
    this.#error = error.message;
    this.#failure = error.code;
    this.#logger.warn(
      { credentialId: this.source.id, reason: error.code, detail: error.message },
      'credential disconnected',
    );
    this.keeper.noteChange(true);
  }

  /** @param dispatches of the credential that dispatches */
  status(dispatches: DispatchStanding | undefined): CredentialStatus {
    const { source } = this;
    const standing = dispatches ?? {
      dispatchesLeft: null,
      retryAt: this.#budget.retryAt('poll'),
    };
    return {
      id: source.id,
      budgetId: source.budgetId,
      use: source.use,
      configKey: source.configKey,
      isConfigured: source.isConfigured,
      isConnected: this.#isConnected,
      isDoubted: this.#isDoubted,
      actor: this.#actor,
      error: source.isConfigured ? this.#error : `${source.configKey} is not set`,
      rate: this.#budget.rate(),
      ...standing,
    };
  }
}
