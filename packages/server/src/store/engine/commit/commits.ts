import type { ControlledTransaction } from 'kysely';
import type { Clock } from '../../../lib/clock.ts';
import type { WriteOptions, WriteTx } from '../../database.ts';
import { StoreError } from '../../port/store.ts';
import type { Schema } from '../../schema.ts';
import type { EventRow, PendingWrites } from './pending-writes.ts';
import type { RetryDelay } from './retrying.ts';

export type Work<T> = (tx: WriteTx) => Promise<T>;

/** What the databases do differently around one write. Errors arrive as the connection threw them. */
export interface WriteSource {
  begin(): Promise<ControlledTransaction<Schema>>;
  /** Called when nothing but events is left to write, in the order in which they happened. */
  insertEvents(tx: ControlledTransaction<Schema>, events: readonly EventRow[]): Promise<void>;
  findRetryDelay(error: unknown): RetryDelay | undefined;
  /** After a commit that failed: could it have reached the disk? */
  mayHaveCommitted(error: unknown): boolean;
}

export interface CommitDeps {
  readonly source: WriteSource;
  readonly clock: Clock;
  /** Process that writes, as its events will say. */
  readonly origin: string;
  /** Called after each commit that carried events. */
  readonly onCommitted: () => void;
}

/** Brings a write to the disk, once; resolves only when it is there. Does not retry. */
export interface Commits {
  run<T>(work: Work<T>, options: WriteOptions): Promise<T>;
}

type EndDeps = Pick<CommitDeps, 'source' | 'onCommitted'>;

/** @throws StoreError `outcome-unknown`; any other error provably did not commit */
export async function commitWith(
  { source, onCommitted }: EndDeps,
  tx: ControlledTransaction<Schema>,
  pending: PendingWrites,
): Promise<void> {
  await writeLast(source, tx, pending);
  try {
    await tx.commit().execute();
  } catch (error) {
    await rollBack(tx);
    if (!source.mayHaveCommitted(error)) throw error;
    // It may be in the database: whoever waits for its events had better look.
    if (pending.hasEvents) onCommitted();
    throw new StoreError('outcome-unknown', 'the connection broke during a commit', {
      cause: error,
    });
  }
  if (pending.hasEvents) onCommitted();
}

async function writeLast(
  source: WriteSource,
  tx: ControlledTransaction<Schema>,
  pending: PendingWrites,
): Promise<void> {
  try {
    await pending.writeCounts(tx);
    await pending.writeEvents((events) => source.insertEvents(tx, events));
  } catch (error) {
    await rollBack(tx);
    throw error;
  }
}

/** Gives the connection back. The database rolls back by itself where the connection or transaction is gone. */
export async function rollBack(tx: ControlledTransaction<Schema>): Promise<void> {
  try {
    await tx.rollback().execute();
  } catch {
    // The error that led here is the one to report.
  }
}
