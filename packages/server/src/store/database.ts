/** What the aggregate files stand on: typed reads, and one way to write. Implemented by engine/sqlite/sqlite.ts and engine/postgres/postgres.ts. */
import type { Kysely, RawBuilder, Transaction } from 'kysely';
import type { NewEvent } from '../domain/event.ts';
import type { JobState } from '../domain/job.ts';
import type { Clock } from '../lib/clock.ts';
import type { Schema } from './schema.ts';

/** One write transaction. Events and counts are collected and written last, in this order: counts by key, then events. */
export interface WriteTx {
  readonly db: Transaction<Schema>;
  /** The clock's time when this write began. */
  readonly now: number;
  emit(event: NewEvent): void;
  /** Moves `job_counts`; sorted by key when written, so that two writers never wait for each other crosswise. */
  count(key: { groupId: string; templateId: string | null; state: JobState }, delta: number): void;
}

export interface WriteOptions {
  /** It lets others run between its statements: no short write is to wait with its own commit for this one's. */
  readonly isLong?: boolean;
}

export interface Database {
  readonly kind: 'sqlite' | 'postgres';
  readonly clock: Clock;
  /** Reads; on SQLite its own connection, so that a long read holds no writer up. */
  readonly read: Kysely<Schema>;
  /** A consistent snapshot over several reads. */
  snapshot<T>(work: (db: Kysely<Schema>) => Promise<T>): Promise<T>;
  /**
   * Runs `work` in one transaction, which it may share with other writes; a rejected `work` alone rolls back.
   * Resolves when it is on the disk. Retries what provably did not commit (deadlock, serialization, lock timeout).
   * Throws StoreError `unavailable` or `outcome-unknown`.
   */
  write<T>(work: (tx: WriteTx) => Promise<T>, options?: WriteOptions): Promise<T>;
  /** The database's own clock, epoch milliseconds, as an SQL expression (PostgreSQL: `clock_timestamp()`). */
  readonly dbNow: RawBuilder<number>;
  /** ` for share` where rows are locked by reading (PostgreSQL); empty on SQLite, which has one writer. */
  readonly forShare: RawBuilder<unknown>;
  readonly forUpdateSkipLocked: RawBuilder<unknown>;
  /** Wakes `listener` after commits of this process and, on PostgreSQL, of others. Returns how to stop. */
  onCommit(listener: () => void): () => void;
  ping(): Promise<number>;
  close(): Promise<void>;
}
