import { type CommitDeps, type Commits, commitWith, rollBack, type Work } from './commits.ts';
import { PendingWrites } from './pending-writes.ts';

/** Each write a transaction of its own, side by side: the database lets commits share a write to the disk. */
export class OwnCommits implements Commits {
  readonly #deps: CommitDeps;

  constructor(deps: CommitDeps) {
    this.#deps = deps;
  }

  async run<T>(work: Work<T>): Promise<T> {
    const { source, clock, origin } = this.#deps;
    const tx = await source.begin();
    const pending = new PendingWrites(origin);
    let result: T;
    try {
      result = await work(pending.handle(tx, clock.now()));
    } catch (error) {
      await rollBack(tx);
      throw error;
    }
    await commitWith(this.#deps, tx, pending);
    return result;
  }
}
