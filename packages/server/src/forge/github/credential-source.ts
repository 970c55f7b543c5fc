import type { ForgeUse } from '../forge.ts';

/** Where a client gets its token from: a fixed one now, one that is renewed every hour for an App. */
export interface CredentialSource {
  /** Key of its row in the store; survives restarts and a new token. */
  readonly id: string;
  readonly use: ForgeUse;
  /** What an operator would have to change, e.g. `github.token`. */
  readonly configKey: string;
  /** False: there is nothing to try with. */
  readonly isConfigured: boolean;
  /**
   * Two sources with the same value are one account for sure, even before the forge has told their logins: they
   * share one limit. Never shown, never stored.
   */
  readonly sameAs: string;
  getToken(): Promise<string>;
}
