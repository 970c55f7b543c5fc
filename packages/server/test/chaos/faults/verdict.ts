import type { Job } from '@dispatchoor/api-contract';
import type { LedgerRun } from '@dispatchoor/forge-sim';
import { expect } from 'vitest';
import { type AttemptRow, listAttempts } from '../../processes/rows.ts';
import type { Site } from '../../processes/site.ts';

export interface Allowed {
  /** Jobs that were cancelled by hand. */
  readonly cancelled?: number;
  /** Whether a job may fail of which the forge started nothing. */
  readonly failures?: 'none' | 'unstarted';
}

export interface Outcome {
  readonly jobs: number;
  readonly completed: number;
  readonly cancelled: number;
  readonly failed: number;
  /** Of the failed: those whose dispatches got lost, twice. The others were refused. */
  readonly notFound: number;
  readonly attempts: number;
  readonly lateRuns: number;
  readonly calls: number;
}

/**
 * The judgement after faults, by the forge's ledger, the API and the attempts: every job has ended once and as its run
 * has, every run of ours is one attempt's, and no job has two runs but one that its attempt was called absent for.
 */
export async function expectAllRight(
  site: Site,
  jobs: number,
  { cancelled = 0, failures = 'none' }: Allowed = {},
): Promise<Outcome> {
  const ended = await site.allEnded();
  const attempts = await allSettled(site);
  const runs = site.ourRuns();
  expect(ended.length, 'jobs that were accepted').toBe(jobs);
  expectEachRunOwned(runs, attempts);
  for (const job of ended) expectRight(job, attempts, runs);
  const count = (status: Job['status']): number =>
    ended.filter((job) => job.status === status).length;
  expect(count('cancelled'), 'jobs cancelled').toBe(cancelled);
  if (failures === 'none') expect(failed(ended), 'jobs failed').toEqual([]);
  expect(site.sim.refereeViolations, 'the referee objects').toEqual([]);
  return {
    ...{ jobs, completed: count('completed'), cancelled: count('cancelled') },
    ...{ failed: count('failed'), attempts: attempts.length },
    notFound: failed(ended).filter((message) => message.startsWith('run not found')).length,
    lateRuns: attempts.filter(isLate).length,
    calls: site.sim.ledger().requests.length,
  };
}

/** A cancelled job has ended before its run: that is waited for too. */
function allSettled(site: Site): Promise<AttemptRow[]> {
  return site.until(
    'no attempt is open',
    () => listAttempts(site.database),
    (attempts) => attempts.every(({ ended_at: endedAt }) => endedAt !== null),
  );
}

function expectEachRunOwned(runs: readonly LedgerRun[], attempts: readonly AttemptRow[]): void {
  const owned = attempts.flatMap(({ run_id: id }) => (id === null ? [] : [id]));
  const made = runs.map(({ id }) => String(id));
  expect(owned.toSorted(), 'runs that attempts own are the runs of the ledger').toEqual(
    made.toSorted(),
  );
}

function expectRight(job: Job, attempts: readonly AttemptRow[], runs: readonly LedgerRun[]): void {
  const mine = attempts.filter(({ job_id: id }) => id === job.id);
  const own = mine.filter((one) => one.run_id !== null && !isLate(one));
  const started = own.map(({ run_id: id }) => runs.find((run) => String(run.id) === id));
  const facts = JSON.stringify({ job: job.id, status: job.status, error: job.error_message, mine });
  expect(started.length, `at most one run: ${facts}`).toBeLessThanOrEqual(1);
  const [run] = started;
  if (run === undefined) {
    expect(['failed', 'cancelled'], `without a run: ${facts}`).toContain(job.status);
    const isSure = mine.every(({ state }) => state === 'absent' || state === 'refused');
    expect(isSure, `surely started nothing: ${facts}`).toBe(true);
    return;
  }
  expect(String(job.run_id), `shows its run: ${facts}`).toBe(String(run.id));
  expect(job.status, `as its run has ended: ${facts}`).toBe(endOf(run, job));
}

/** By its first attempt: what a re-run does is nobody's job. */
function endOf(run: LedgerRun, job: Job): Job['status'] {
  // Cancelled by hand: the job ends at once, and its run as soon as it can.
  if (job.status === 'cancelled') return 'cancelled';
  const first = run.jobs.filter(({ runAttempt }) => runAttempt === 1);
  return first.every(({ conclusion }) => conclusion === 'success') ? 'completed' : 'failed';
}

function isLate({ state, run_id: runId }: AttemptRow): boolean {
  return state === 'absent' && runId !== null;
}

function failed(jobs: readonly Job[]): string[] {
  return jobs.filter(({ status }) => status === 'failed').map((job) => job.error_message);
}
