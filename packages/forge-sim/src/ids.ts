import type { Random } from './random.ts';

/** Forge ids grow, with gaps: others use the same forge. */
export class ForgeIds {
  readonly #random: Random;
  #runId = 17_000_000_000;
  #jobId = 48_000_000_000;
  #smallId = 100_000;
  #runnerId = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  nextRunId(): number {
    this.#runId += this.#random.within([1, 97]);
    return this.#runId;
  }

  nextJobId(): number {
    this.#jobId += this.#random.within([1, 97]);
    return this.#jobId;
  }

  nextRunnerId(): number {
    this.#runnerId += 1;
    return this.#runnerId;
  }

  /** Accounts, repositories, workflows. */
  nextId(): number {
    this.#smallId += this.#random.within([1, 97]);
    return this.#smallId;
  }
}
