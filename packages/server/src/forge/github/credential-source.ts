import type { ForgeUse } from '../forge.ts';

/** Where a client gets its token from: a fixed one now, one that is renewed every hour for an App. */
export interface CredentialSource {
  /** Survives restarts and a new token: attempts and the dispatch bucket belong to it. */
  readonly id: string;
  /** Key of its budget's row in the store: what one token has used up, or is blocked for, says nothing of the next. */
  readonly budgetId: string;
  readonly use: ForgeUse;
  /** What an operator would have to change, e.g. `github.token`. */
  readonly configKey: string;
  /** False: there is nothing to try with. */
  readonly isConfigured: boolean;
  /**
   * Two sources with the same value are one account for sure, even before the forge has shown their logins: they
   * share one limit. Never shown, never stored.
   */
  readonly sameAs: string;
  getToken(): Promise<string>;
}
