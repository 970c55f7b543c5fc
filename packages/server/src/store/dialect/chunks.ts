import type { Clock } from '../../lib/clock.ts';

/** Statements take a bounded number of parameters, so long lists go in pieces. */
export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let start = 0; start < items.length; start += size) {
    chunks.push(items.slice(start, start + size));
  }
  return chunks;
}

/** As long as one piece of something long may keep the thread, and more than a yield costs. */
const LONGEST_PIECE_MS = 4;

/** Between two pieces of something long: lets others run if the thread was kept long enough to be worth it. */
export type Breathe = () => Promise<void>;

export function breathing(clock: Pick<Clock, 'monotonic'>): Breathe {
  let since = clock.monotonic();
  return async () => {
    if (clock.monotonic() - since < LONGEST_PIECE_MS) return;
    await letOthersRun();
    since = clock.monotonic();
  };
}

/** SQLite works in this very thread: between two pieces of something long, requests and timers get their turn. */
export function letOthersRun(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
