import { type DemoFacts, type JobFact, KEY_INPUT } from './facts.ts';
import type { LedgerRun } from './ledger.ts';

/** A job and the first run that carries its key; times are epoch ms on the ledger's clock. */
export interface JobRun {
  readonly job: JobFact;
  /** Undefined: nothing was dispatched for it. */
  readonly run: LedgerRun | undefined;
  /** When the request that made the run arrived at the forge. */
  readonly dispatchedAt: number | undefined;
  readonly runnerId: number | undefined;
  readonly startedAt: number | undefined;
  readonly completedAt: number | undefined;
}

/** The jobs, in their order, each with what the forge knows of it. */
export function matchRuns({ jobs, ledger }: DemoFacts): JobRun[] {
  const arrivals = new Map(ledger.requests.map(({ id, at }) => [id, at]));
  const runs = runsByKey(ledger.runs);
  return jobs.map((job) => {
    const run = runs.get(job.key)?.[0];
    // A workflow of the demo has one job; a re-run by hand adds another to the same run.
    const first = run?.jobs.find(({ runAttempt }) => runAttempt === 1);
    return {
      job,
      run,
      dispatchedAt: run === undefined ? undefined : arrivals.get(run.createdByRequest),
      runnerId: first?.runnerId ?? undefined,
      startedAt: first?.startedAt ?? undefined,
      completedAt: first?.completedAt ?? undefined,
    };
  });
}

/** Runs without a key are under `''`. */
export function runsByKey(runs: readonly LedgerRun[]): ReadonlyMap<string, readonly LedgerRun[]> {
  return Map.groupBy(runs, (run) => run.inputs[KEY_INPUT] ?? '');
}
