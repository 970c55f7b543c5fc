import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { BudgetStore } from './forge.ts';

/** What every adapter is given besides its own part of the configuration. */
export interface AdapterDeps {
  readonly budgets: BudgetStore;
  /** Ours, for the User-Agent. */
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onRequest: (endpoint: string, outcome: 'ok' | 'error') => void;
}
