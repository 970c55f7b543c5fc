import type { Job } from '@dispatchoor/api-contract';
import type { LedgerRun } from '@dispatchoor/forge-sim';
import type { JobFile } from './judge.ts';

/** The input by which a run names the attempt that made it, where its template says so. */
export const CORRELATION_INPUT = 'dispatch-id';

const NOT_FOUND = 'run not found';

export interface JobVerdict {
  /** What is wrong with it, naming job, attempts and runs. */
  readonly faults: readonly string[];
  readonly isNotFound: boolean;
  readonly isDoubled: boolean;
}

/** Pure. */
export function judgeJob(file: JobFile): JobVerdict {
  const { shown, attempts, runs } = file;
  const [job] = shown;
  const isNotFound = job?.error_message.startsWith(NOT_FOUND) === true;
  const ran = runs.filter(hasRun);
  const made = runs.filter((run) => !isLate(run, attempts));
  const faults = [
    ...shownFaults(shown),
    ...(ran.length > 1 ? ['has several runs that ran'] : []),
    ...(isNotFound && made.length > 0 ? ['failed as not found, but was sent'] : []),
    ...attemptFaults(file),
    ...strangeRuns(file),
    ...(job === undefined || isNotFound ? [] : outcomeFaults(job, runs)),
  ];
  const known = [
    ...attempts.map(({ id, state, run_id: runId }) => `attempt ${id} ${state} ${runId ?? '-'}`),
    ...runs.map((run) => `run ${run.id} ${run.conclusion ?? run.status}`),
  ];
  const name = `job ${file.id} (${job?.inputs?.['note'] ?? '?'})`;
  return {
    faults: faults.map((fault) => `${name} ${fault}: ${known.join(', ')}`),
    isNotFound,
    isDoubled: ran.length > 1,
  };
}

/** Its work was done, or begun: a cancel that came before a runner took it leaves nothing behind. */
function hasRun({ conclusion, jobs }: LedgerRun): boolean {
  return conclusion !== 'cancelled' && jobs.some(({ startedAt }) => startedAt !== null);
}

/** Turned up after its attempt was given up: counted, and judged, by itself. */
function isLate({ id }: LedgerRun, attempts: JobFile['attempts']): boolean {
  return attempts.some(({ state, run_id: runId }) => state === 'absent' && runId === String(id));
}

function shownFaults(shown: readonly Job[]): string[] {
  if (shown.length === 0) return ['is lost'];
  if (shown.length > 1) return [`is shown ${shown.length} times`];
  const states = shown.map(({ status }) => status);
  return states.some((state) => ['completed', 'failed', 'cancelled'].includes(state))
    ? []
    : [`is still ${states.join()}`];
}

/** At most one run for each attempt: by the attempt that the run itself names, where it names one. */
function attemptFaults({ attempts, runs }: JobFile): string[] {
  const named = runs.filter(({ inputs }) => (inputs[CORRELATION_INPUT] ?? '') !== '');
  return attempts.flatMap((attempt) => {
    const made = named.filter(({ inputs }) => inputs[CORRELATION_INPUT] === attempt.id);
    const wrong = made.filter(({ id }) => String(id) !== attempt.run_id);
    return [
      ...(made.length > 1 ? [`was sent ${made.length} times by attempt ${attempt.id}`] : []),
      ...wrong.map((run) => `has attempt ${attempt.id} without its run ${run.id}`),
      ...(attempt.state === 'claimed' || attempt.state === 'unknown'
        ? [`has attempt ${attempt.id} unsettled`]
        : []),
    ];
  });
}

/** Runs bear the note of the job that they were sent for: another job's was taken for its. */
function strangeRuns({ shown, runs }: JobFile): string[] {
  const note = shown[0]?.inputs?.['note'];
  return runs
    .filter(({ inputs }) => inputs['note'] !== note)
    .map(({ id, inputs }) => `has run ${id}, which is that of ${inputs['note'] ?? '?'}`);
}

const STATUS_OF: Readonly<Record<string, string>> = {
  success: 'completed',
  cancelled: 'cancelled',
};

/** The run that the job shows tells how it ended. */
function outcomeFaults(job: Job, runs: readonly LedgerRun[]): string[] {
  const run = runs.find(({ id }) => id === job.run_id);
  if (run === undefined) return [`is ${job.status} (${job.error_message}) without a run`];
  const wanted = STATUS_OF[run.conclusion ?? ''] ?? 'failed';
  const isOther = runs.some(({ id, conclusion }) => id !== run.id && conclusion === 'success');
  return [
    ...(job.status === wanted ? [] : [`is ${job.status}, its run ${run.conclusion ?? run.status}`]),
    ...(isOther ? ['shows another run than the one that succeeded'] : []),
  ];
}
