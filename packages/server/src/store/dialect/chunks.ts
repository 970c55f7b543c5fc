import type { Clock } from '../../lib/clock.ts';

/** Statements take a bounded number of parameters, so long lists go in pieces. */
export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let start = 0; start < items.length; start += size) {
    chunks.push(items.slice(start, start + size));
  }
  return chunks;
}

/** SQLite works in this very thread: between two pieces of something long, requests and timers get their turn. */
export function letOthersRun(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const LONGEST_RUN_MS = 5;

/** Lets others run where a row of short pieces, each of them too small to bother, has become long. */
export class Breather {
  readonly #clock: Clock;
  #lastAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastAt = clock.monotonic();
  }

  async breathe(): Promise<void> {
    if (this.#clock.monotonic() - this.#lastAt < LONGEST_RUN_MS) return;
    await letOthersRun();
    this.#lastAt = this.#clock.monotonic();
  }
}
