import type { Job } from '@dispatchoor/api-contract';
import type { LedgerRun } from '@dispatchoor/forge-sim';
import { CORRELATION_INPUT } from '../../harness/fixtures.ts';
import type { AttemptRow } from '../rows.ts';
import type { Allowed } from './allowed.ts';
import { hasInputsOf, type JobFile, noteOf } from './evidence.ts';

export interface JobVerdict {
  /** What is wrong with it, naming job, attempts and runs. */
  readonly faults: readonly string[];
  /** It failed, and why, as far as that may be allowed. */
  readonly failure: 'run not found' | 'refused' | 'ambiguous' | undefined;
  readonly isDoubled: boolean;
  /** It has, or shows, a run that was started with other inputs than its own. */
  readonly hasOtherInputs: boolean;
}

/** Pure. */
export function verifyJob(file: JobFile, allowed: Allowed): JobVerdict {
  const [job] = file.shown;
  const inTime = file.runs.filter((run) => !isLate(run, file.attempts));
  const worked = (allowed.lateRuns === 'any' ? inTime : file.runs).filter(hasWorked);
  const isCancelled = allowed.cancelled?.some(({ id }) => id === file.promised.id) === true;
  const faults = [
    ...shownFaults(file.shown),
    ...(worked.length > 1 ? ['has several runs that worked'] : []),
    ...(inTime.length > 1 ? [`was started ${inTime.length} times`] : []),
    ...lateFaults(file, allowed),
    ...attemptFaults(file),
    ...foreignRuns(file),
    ...(job === undefined || isAmbiguous(job) ? [] : endFaults(job, inTime, file.attempts)),
    ...(job === undefined ? [] : cancelFaults(job, isCancelled)),
  ];
  return {
    faults: faults.map((fault) => `${nameOf(file)} ${fault}: ${knownOf(file)}`),
    failure: job?.status === 'failed' ? failureOf(job) : undefined,
    isDoubled: worked.length > 1,
    hasOtherInputs: foreignRuns(file).length > 0,
  };
}

function nameOf({ promised }: JobFile): string {
  return `job ${promised.id} (${noteOf(promised)})`;
}

function knownOf({ attempts, runs }: JobFile): string {
  return [
    ...attempts.map(({ id, state, run_id: runId }) => `attempt ${id} ${state} ${runId ?? '-'}`),
    ...runs.map((run) => `run ${run.id} ${run.conclusion ?? run.status}`),
  ].join(', ');
}

function failureOf(job: Job): NonNullable<JobVerdict['failure']> {
  if (isAmbiguous(job)) return 'ambiguous';
  return job.error_message.startsWith('run not found') ? 'run not found' : 'refused';
}

/** Nobody could tell whether a run was its own: it may have ended in any way. */
export function isAmbiguous({ status, error_message: message }: Job): boolean {
  return status === 'failed' && message.startsWith('outcome-ambiguous');
}

/** Its work was done, or begun: a cancel that came before a runner took it leaves nothing behind. */
function hasWorked({ conclusion, jobs }: LedgerRun): boolean {
  return conclusion !== 'cancelled' && jobs.some(({ startedAt }) => startedAt !== null);
}

/** Turned up after its attempt was given up. */
function isLate({ id }: LedgerRun, attempts: readonly AttemptRow[]): boolean {
  return attempts.some((attempt) => hasLateRun(attempt) && attempt.run_id === String(id));
}

export function hasLateRun({ state, run_id: runId }: AttemptRow): boolean {
  return (state === 'absent' || state === 'ambiguous') && runId !== null;
}

function shownFaults(shown: readonly Job[]): string[] {
  if (shown.length === 0) return ['is lost'];
  if (shown.length > 1) return [`is shown ${shown.length} times`];
  return shown
    .filter(({ status }) => !['completed', 'failed', 'cancelled'].includes(status))
    .map(({ status }) => `is still ${status}`);
}

function lateFaults({ runs, attempts }: JobFile, { lateRuns = 'none' }: Allowed): string[] {
  const late = runs.filter((run) => isLate(run, attempts));
  const wrong = {
    none: late,
    cancelled: late.filter(({ conclusion }) => conclusion !== 'cancelled'),
    any: [],
  }[lateRuns];
  return wrong.map(({ id, conclusion }) => `has the late run ${id}, ${conclusion ?? 'open'}`);
}

/** At most one run for each attempt: by the attempt that the run itself names, where it names one. */
function attemptFaults({ attempts, runs }: JobFile): string[] {
  return attempts.flatMap(({ id: attemptId, state, run_id: runId }) => {
    const made = runs.filter(({ inputs }) => inputs[CORRELATION_INPUT] === attemptId);
    const wrong = made.filter(({ id }) => String(id) !== runId);
    return [
      ...(made.length > 1 ? [`was sent ${made.length} times by attempt ${attemptId}`] : []),
      ...wrong.map((run) => `has attempt ${attemptId} without its run ${run.id}`),
      ...(['claimed', 'unknown'].includes(state) ? [`has attempt ${attemptId} unsettled`] : []),
    ];
  });
}

/** Another job's run was taken for its, or it was sent with other inputs than it was queued with. */
function foreignRuns({ promised, runs }: JobFile): string[] {
  return runs
    .filter((run) => !hasInputsOf(run, promised))
    .map((run) => `has run ${run.id}, which is that of ${noteOf(run)}`);
}

/** As its run has ended; without one, when surely nothing was started. */
function endFaults(
  job: Job,
  inTime: readonly LedgerRun[],
  attempts: readonly AttemptRow[],
): string[] {
  const [run] = inTime;
  const told = `${job.status} (${job.error_message})`;
  if (run === undefined) {
    const unsure = attempts.filter(({ state }) => state !== 'absent' && state !== 'refused');
    return [
      ...(job.status === 'completed' ? [`is ${told} without a run`] : []),
      ...unsure.map(({ id }) => `is ${told}, but attempt ${id} may have started something`),
    ];
  }
  const isSame = job.status !== 'completed' || (hasSucceeded(run) && job.error_message === '');
  const isOver = job.status !== 'failed' && isSame;
  return [
    ...(isOver ? [] : [`is ${told}, its run ${run.conclusion ?? run.status}`]),
    ...(job.run_id === run.id ? [] : [`shows run ${job.run_id ?? '-'} instead of ${run.id}`]),
  ];
}

/** By its first attempt: what a re-run does is nobody's job. */
function hasSucceeded({ jobs }: LedgerRun): boolean {
  const first = jobs.filter(({ runAttempt }) => runAttempt === 1);
  return first.length > 0 && first.every(({ conclusion }) => conclusion === 'success');
}

function cancelFaults({ status }: Job, isCancelled: boolean): string[] {
  if (isCancelled === (status === 'cancelled')) return [];
  return [isCancelled ? `was cancelled, but is ${status}` : 'was cancelled by nobody'];
}
