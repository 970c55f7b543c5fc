/**
 * The store's port; each part has its file beside this one. Every write is one transaction, fenced by the state it believed;
 * its result says who won. Nothing here reads first and writes later. Each state change appends its event in the same
 * transaction. Times are epoch milliseconds.
 */
import type { CatalogStore } from './catalog.ts';
import type { CredentialStore } from './credentials.ts';
import type { DispatchStore } from './dispatch.ts';
import type { EventStore } from './events.ts';
import type { JobStore } from './jobs.ts';
import type { LeaseStore } from './leases.ts';
import type { RetentionStore } from './retention.ts';
import type { RunnerStore } from './runners.ts';
import type { RunStore } from './runs.ts';
import type { UserStore } from './users.ts';
import type { WebhookStore } from './webhooks.ts';

export interface Store {
  readonly kind: 'sqlite' | 'postgres';
  readonly catalog: CatalogStore;
  readonly jobs: JobStore;
  readonly dispatch: DispatchStore;
  readonly runs: RunStore;
  readonly runners: RunnerStore;
  readonly leases: LeaseStore;
  readonly credentials: CredentialStore;
  readonly users: UserStore;
  readonly webhooks: WebhookStore;
  readonly events: EventStore;
  readonly retention: RetentionStore;
  /** Round trip in milliseconds. Throws StoreError when the database does not answer, or did not take the last write. */
  ping(): Promise<number>;
  /** By the database's clock, which all servers on it share; epoch milliseconds. */
  now(): Promise<number>;
  /** Waits for writes in flight. */
  close(): Promise<void>;
}

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Its message says it all: a database that is away is nobody's bug. */
  get isExpected(): boolean {
    return this.code === 'unavailable' || this.code === 'outcome-unknown';
  }
}

export type StoreErrorCode =
  /** The database does not answer, is full, or is locked by somebody else. Nothing was committed. */
  | 'unavailable'
  /** The connection broke during the commit: it may have been committed. */
  | 'outcome-unknown'
  /** The schema is newer and contracted, or a migration was altered. */
  | 'schema'
  | 'unknown-group'
  | 'unknown-template'
  /** The same Idempotency-Key came with another body. */
  | 'key-reused';
