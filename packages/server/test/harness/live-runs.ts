import type { LedgerRun } from '@dispatchoor/forge-sim';

/** When the last of its workflow jobs ended; `Infinity` while one has not. */
function endOf(run: LedgerRun): number {
  return Math.max(...run.jobs.map(({ completedAt }) => completedAt ?? Infinity));
}

/** The most runs that were under way at one moment. */
export function mostLiveRuns(runs: readonly LedgerRun[]): number {
  const counts = runs.map(({ createdAt }) => {
    // One that ends in the very millisecond in which another starts has made room for it.
    return runs.filter((other) => other.createdAt <= createdAt && endOf(other) > createdAt).length;
  });
  return Math.max(0, ...counts);
}
