/** Credentials: what is left of their limits, and which of them the forge has stopped. Shared by all servers. */

export interface CredentialRow {
  /** Of one token in one use: the next token has a row of its own. */
  readonly id: string;
  readonly actor: string;
  readonly limit: number | null;
  readonly remaining: number | null;
  readonly resetAt: number | null;
  readonly blockedUntil: number | null;
  /** Of the configured dispatch rate, 0 to 1: halved by each secondary limit, grown back since. */
  readonly rateFactor: number;
  /** Secondary limits in a row: each doubles the pause. */
  readonly secondaryHits: number;
  readonly isConnected: boolean;
  readonly error: string;
}

export interface CredentialStore {
  /** `undefined` until it was saved once. */
  find(id: string): Promise<CredentialRow | undefined>;
  /**
   * Last writer wins, but the later `blockedUntil` stays. An event only when `isConnected` or `error` changes, or
   * when the caller `hasConnected` just now, which the row may say already of another process. The first of a token
   * ends what workflows and jobs wait for because of what another one met.
   */
  save(forgeId: string, row: CredentialRow, hasConnected: boolean): Promise<void>;
  /** `null`: one dispatch was taken from the shared bucket (database's clock); else when one will be there. */
  takeDispatch(id: string, rate: { burst: number; perSecond: number }): Promise<number | null>;
}
