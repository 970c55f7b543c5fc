import { CompiledQuery, type ControlledTransaction } from 'kysely';
import { makeYield, type Yield, yieldToOthers } from '../../../lib/yield.ts';
import type { WriteOptions } from '../../database.ts';
import { StoreError } from '../../port/store.ts';
import type { Schema } from '../../schema.ts';
import { type CommitDeps, type Commits, commitWith, rollBack, type Work } from './commits.ts';
import { PendingWrites } from './pending-writes.ts';

type Tx = ControlledTransaction<Schema>;

/** The first of them waits for the last, and for a commit that grows with them. */
const MOST_TOGETHER = 32;

const SAVEPOINT = CompiledQuery.raw('savepoint one');
const RELEASE = CompiledQuery.raw('release one');
const UNDO = CompiledQuery.raw('rollback to one');

interface Waiting {
  readonly work: Work<unknown>;
  /** Shares its transaction with nobody. */
  readonly isAlone: boolean;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Written {
  readonly one: Waiting;
  readonly result: unknown;
}

/**
 * One transaction at a time. The writes that wait for it go into the next one together, in the order in which they
 * were asked for: the disk is waited for once. Each stands behind a savepoint, so that one that fails takes no other
 * with it; none is answered with success before the commit it shares is on the disk.
 */
export class SharedCommits implements Commits {
  readonly #deps: CommitDeps;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(deps: CommitDeps) {
    this.#deps = deps;
  }

  run<T>(work: Work<T>, { isLong = false }: WriteOptions): Promise<T> {
    const done = Promise.withResolvers<T>();
    this.#waiting.push({
      work,
      isAlone: isLong,
      resolve: (result) => {
        done.resolve(result as T);
      },
      reject: done.reject,
    });
    this.#running ??= this.#runAll();
    return done.promise;
  }

  async #runAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Requests that arrived together ask for their writes in the same turn: all of them come first.
      await yieldToOthers();
      await this.#runNext(this.#takeNext());
    }
    this.#running = undefined;
  }

  #takeNext(): Waiting[] {
    const firstAlone = this.#waiting.findIndex((one) => one.isAlone);
    const most = firstAlone === -1 ? MOST_TOGETHER : Math.min(MOST_TOGETHER, firstAlone);
    return this.#waiting.splice(0, Math.max(1, most));
  }

  async #runNext(together: readonly Waiting[]): Promise<void> {
    const { source, origin } = this.#deps;
    let tx: Tx;
    try {
      tx = await source.begin();
    } catch (error) {
      for (const one of together) one.reject(error);
      return;
    }
    const pending = new PendingWrites(origin);
    const yieldNow = makeYield(this.#deps.clock);
    const [only] = together;
    const written =
      only !== undefined && together.length === 1
        ? await this.#writeOnly(tx, only, pending)
        : await this.#writeAll(tx, together, pending, yieldNow);
    await yieldNow();
    if (written.length > 0) await this.#commit(tx, written, pending, yieldNow);
  }

  /** Nobody else's work is in the transaction: no savepoint is needed. */
  async #writeOnly(tx: Tx, one: Waiting, pending: PendingWrites): Promise<Written[]> {
    try {
      return [{ one, result: await one.work(pending.handle(tx, this.#deps.clock.now())) }];
    } catch (error) {
      await rollBack(tx);
      one.reject(error);
      return [];
    }
  }

  /** @returns those that wait for the commit; without any the transaction is over */
  async #writeAll(
    tx: Tx,
    together: readonly Waiting[],
    pending: PendingWrites,
    yieldNow: Yield,
  ): Promise<Written[]> {
    const written: Written[] = [];
    for (const [n, one] of together.entries()) {
      await yieldNow();
      const isIntact = await this.#writeBehindSavepoint(tx, one, pending, written);
      if (isIntact) continue;
      this.#waiting.unshift(...together.slice(n + 1));
      this.#redoEachAlone(written);
      await rollBack(tx);
      return [];
    }
    if (written.length === 0) await rollBack(tx);
    return written;
  }

  /** @returns false when the whole transaction is gone, as after a full disk */
  async #writeBehindSavepoint(
    tx: Tx,
    one: Waiting,
    pending: PendingWrites,
    written: Written[],
  ): Promise<boolean> {
    const { clock, origin } = this.#deps;
    const own = new PendingWrites(origin);
    try {
      await tx.executeQuery(SAVEPOINT);
      const result = await one.work(own.handle(tx, clock.now()));
      await tx.executeQuery(RELEASE);
      pending.append(own);
      written.push({ one, result });
      return true;
    } catch (error) {
      one.reject(error);
      return tryUndo(tx);
    }
  }

  async #commit(
    tx: Tx,
    written: readonly Written[],
    pending: PendingWrites,
    yieldNow: Yield,
  ): Promise<void> {
    try {
      await commitWith(this.#deps, tx, pending);
    } catch (error) {
      this.#commitFailed(written, error);
      return;
    }
    for (const { one, result } of written) {
      one.resolve(result);
      // Whoever waits for it goes on at once and sends its answer; the others' may come a turn later.
      await yieldNow();
    }
  }

  /** Whose fault it was cannot be told: nothing is in the database, so each is done anew and gets its own answer. */
  #commitFailed(written: readonly Written[], error: unknown): void {
    const isUnknown = error instanceof StoreError && error.code === 'outcome-unknown';
    if (!isUnknown && written.length > 1) this.#redoEachAlone(written);
    else for (const { one } of written) one.reject(error);
  }

  #redoEachAlone(written: readonly Written[]): void {
    this.#waiting.unshift(...written.map(({ one }) => ({ ...one, isAlone: true })));
  }
}

async function tryUndo(tx: Tx): Promise<boolean> {
  try {
    await tx.executeQuery(UNDO);
    await tx.executeQuery(RELEASE);
    return true;
  } catch {
    return false;
  }
}
