import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../../../lib/clock.ts';
import type { WriteOptions } from '../../database.ts';
import { StoreError } from '../../port/store.ts';
import type { Commits, Work, WriteSource } from './commits.ts';
import { retrying } from './retrying.ts';

export interface WriterDeps {
  readonly commits: Commits;
  readonly source: Pick<WriteSource, 'findRetryDelay'>;
  readonly clock: Clock;
}

// Longer than the 4 s after which PostgreSQL ends an idle transaction: a holder that died is outlived.
const GIVE_UP_AFTER_MS = 10_000;

/** Runs writes as transactions. Knows when a failed one may run anew: never once its commit was sent. */
export class Writer {
  readonly #deps: WriterDeps;
  readonly #inFlight = new Set<Promise<unknown>>();
  readonly #isInside = new AsyncLocalStorage<true>();
  #isClosed = false;
  #fault: StoreError | undefined;
  #takenAt = -Infinity;

  constructor(deps: WriterDeps) {
    this.#deps = deps;
  }

  /** Why the last write was not taken; `undefined` once one was. */
  get fault(): StoreError | undefined {
    return this.#fault;
  }

  /** When a write was last taken, by the monotonic clock. */
  get takenAt(): number {
    return this.#takenAt;
  }

  write<T>(work: Work<T>, options: WriteOptions = {}): Promise<T> {
    // On SQLite it would wait for ever for the one connection, on PostgreSQL for rows its outer half holds.
    if (this.#isInside.getStore() === true) {
      return Promise.reject(new Error('a write inside a write: pass the WriteTx on'));
    }
    if (this.#isClosed) {
      return Promise.reject(new StoreError('unavailable', 'the store is closed'));
    }
    const { commits, clock, source } = this.#deps;
    const rules = {
      clock,
      findDelay: (error: unknown) =>
        error instanceof StoreError && error.code === 'outcome-unknown'
          ? undefined
          : source.findRetryDelay(error),
      giveUpAfterMs: GIVE_UP_AFTER_MS,
    };
    const inside: Work<T> = (tx) => this.#isInside.run(true, () => work(tx));
    return this.#whileInFlight(
      retrying(rules, () => this.#watched(() => commits.run(inside, options))),
    );
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

  async #watched<T>(attempt: () => Promise<T>): Promise<T> {
    try {
      const result = await attempt();
      this.#fault = undefined;
      this.#takenAt = this.#deps.clock.monotonic();
      return result;
    } catch (error) {
      if (error instanceof StoreError && error.isExpected) this.#fault = error;
      throw error;
    }
  }
}
