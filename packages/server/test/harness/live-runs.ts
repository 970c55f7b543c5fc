import type { Ledger, LedgerRun } from '@dispatchoor/forge-sim';

/** When the last of its workflow jobs ended; `Infinity` while one has not. */
export function endOf(run: LedgerRun): number {
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

/** Names of the runners that a run's workflow jobs were given to. */
export function runnersOf(run: LedgerRun): (string | null)[] {
  return run.jobs.map(({ runnerName }) => runnerName);
}

/** Which request of the ledger made this run. */
export function dispatchesTo(ledger: Ledger, repo: string): number {
  return ledger.requests.filter((request) => {
    return request.endpoint === 'dispatch' && request.repo === repo && request.acted;
  }).length;
}
