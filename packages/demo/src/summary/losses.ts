import type { DemoFacts } from './facts.ts';
import { type JobRun, runsByKey } from './runs.ts';

const ENDED = new Set(['completed', 'failed', 'cancelled']);

export interface Losses {
  /** Keys of accepted jobs that did not end, ended without a run, or that the server does not know. */
  readonly lost: readonly string[];
  /** Keys of jobs with more than one run, and `run N` for a run that belongs to no job at all. */
  readonly doubled: readonly string[];
  /** Keys of jobs that name the run of another one: nothing ran twice, but the wrong outcome was recorded. */
  readonly mixedUp: readonly string[];
}

/** While the demo was to go on (`isComplete` false), a job that has not ended yet is not lost. */
export function findLosses(facts: DemoFacts, jobRuns: readonly JobRun[]): Losses {
  const isLost = ({ job, run }: JobRun): boolean => {
    if (job.status === 'unknown') return true;
    return ENDED.has(job.status) ? run === undefined : facts.isComplete;
  };
  const isMixedUp = ({ job, run }: JobRun): boolean =>
    job.runId !== null && job.runId !== 0 && run !== undefined && run.id !== job.runId;
  return {
    lost: jobRuns.filter(isLost).map(({ job }) => job.key),
    doubled: listDoubled(facts),
    mixedUp: jobRuns.filter(isMixedUp).map(({ job }) => job.key),
  };
}

/** A new attempt is made only when the last one started nothing: one job, one run. */
function listDoubled({ jobs, otherRunIds, ledger }: DemoFacts): string[] {
  const keys = new Set(jobs.map(({ key }) => key));
  const others = new Set(otherRunIds);
  const doubled: string[] = [];
  for (const [key, runs] of runsByKey(ledger.runs)) {
    const unowned = runs.filter((run) => !others.has(run.id));
    if (!keys.has(key)) doubled.push(...unowned.map((run) => `run ${run.id}`));
    else if (unowned.length > 1) doubled.push(key);
  }
  return doubled;
}
