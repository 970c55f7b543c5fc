import { AsyncLocalStorage } from 'node:async_hooks';
import type { ControlledTransaction } from 'kysely';
import type { Clock } from '../../lib/clock.ts';
import type { WriteTx } from '../database.ts';
import type { Schema } from '../schema.ts';
import { StoreError } from '../store.ts';
import { PendingWrites } from './pending-writes.ts';
import { type RetryDelay, retrying } from './retrying.ts';

/** What the databases do differently around one write. Errors arrive as the connection threw them. */
export interface WriteSource {
  begin(): Promise<ControlledTransaction<Schema>>;
  /** Called before the first event is written, when nothing but events is left to write. */
  lockEvents(tx: ControlledTransaction<Schema>): Promise<void>;
  findRetryDelay(error: unknown): RetryDelay | undefined;
  /** After a commit that failed: could it have reached the disk? */
  mayHaveCommitted(error: unknown): boolean;
}

export interface WriterOptions {
  readonly source: WriteSource;
  readonly clock: Clock;
  /** Process that writes, as its events will say. */
  readonly origin: string;
  /** Called after each commit that carried events. */
  readonly onCommitted: () => void;
}

// Longer than the 5 s after which PostgreSQL ends an idle transaction: a holder that died is outlived.
const GIVE_UP_AFTER_MS = 10_000;

/** Runs writes as transactions. Knows when a failed one may run anew: never once its commit was sent. */
export class Writer {
  readonly #options: WriterOptions;
  readonly #inFlight = new Set<Promise<unknown>>();
  readonly #isInside = new AsyncLocalStorage<true>();
  #isClosed = false;
  #fault: StoreError | undefined;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** Why the last write was not taken; `undefined` once one was. A lease is renewed every few seconds, so it is fresh. */
  get fault(): StoreError | undefined {
    return this.#fault;
  }

  write<T>(work: (tx: WriteTx) => Promise<T>): Promise<T> {
    // On SQLite it would wait for ever for the one connection, on PostgreSQL for rows its outer half holds.
    if (this.#isInside.getStore() === true) {
      return Promise.reject(new Error('a write inside a write: pass the WriteTx on'));
    }
    if (this.#isClosed) {
      return Promise.reject(new StoreError('unavailable', 'the store is closed'));
    }
    const { clock, source } = this.#options;
    const rules = {
      clock,
      findDelay: (error: unknown) =>
        error instanceof StoreError && error.code === 'outcome-unknown'
          ? undefined
          : source.findRetryDelay(error),
      giveUpAfterMs: GIVE_UP_AFTER_MS,
    };
    const written = retrying(rules, () => this.#isInside.run(true, () => this.#watched(work)));
    return this.#whileInFlight(written);
  }

  /** Refuses new writes and waits for those in flight, whatever becomes of them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#inFlight);
  }

  async #whileInFlight<T>(written: Promise<T>): Promise<T> {
    this.#inFlight.add(written);
    try {
      return await written;
    } finally {
      this.#inFlight.delete(written);
    }
  }

  async #watched<T>(work: (tx: WriteTx) => Promise<T>): Promise<T> {
    try {
      const result = await this.#attempt(work);
      this.#fault = undefined;
      return result;
    } catch (error) {
      if (error instanceof StoreError && error.isExpected) this.#fault = error;
      throw error;
    }
  }

  async #attempt<T>(work: (tx: WriteTx) => Promise<T>): Promise<T> {
    const { source, clock, origin } = this.#options;
    const tx = await source.begin();
    const pending = new PendingWrites(clock.now(), origin);
    let result: T;
    try {
      result = await work(pending.handle(tx));
      await pending.writeCounts(tx);
      if (pending.hasEvents) {
        await source.lockEvents(tx);
        await pending.writeEvents(tx);
      }
    } catch (error) {
      await rollBack(tx);
      throw error;
    }
    await this.#commit(tx, pending.hasEvents);
    return result;
  }

  async #commit(tx: ControlledTransaction<Schema>, hasEvents: boolean): Promise<void> {
    const { source, onCommitted } = this.#options;
    try {
      await tx.commit().execute();
    } catch (error) {
      await rollBack(tx);
      if (!source.mayHaveCommitted(error)) throw error;
      // It may be in the database: whoever waits for its events had better look.
      if (hasEvents) onCommitted();
      throw new StoreError('outcome-unknown', 'the connection broke during a commit', {
        cause: error,
      });
    }
    if (hasEvents) onCommitted();
  }
}

/** Gives the connection back. The database rolls back by itself where the connection or transaction is gone. */
async function rollBack(tx: ControlledTransaction<Schema>): Promise<void> {
  try {
    await tx.rollback().execute();
  } catch {
    // The error that led here is the one to report.
  }
}
