/** What the forge shows of an attempt's run, and what a listing does not show. */
import type { Run } from '../../domain/attempt.ts';
import { CANCELLED_BY_FORGE, endOf } from '../../domain/job.ts';
import { OBSERVED_AHEAD_MS } from '../../domain/timing.ts';
import { isFurther } from '../../domain/webhook.ts';
import type { Database, WriteTx } from '../database.ts';
import {
  type AttemptChange,
  emitAttempt,
  findActiveJob,
  NO_RUN,
  writeAttempt,
} from '../moves/attempts.ts';
import { changeJob, endJob, type JobEnd, moveJob, returnJob, unmatchJob } from '../moves/jobs.ts';
import type { AmbiguousEnd } from '../port/runs.ts';
import type { AttemptRow, JobRow } from '../schema.ts';
import { noteNaming, noteUnnamed } from './naming.ts';

export async function recordRun(
  database: Database,
  attemptId: string,
  run: Run,
  sentAt: number,
): Promise<boolean> {
  return database.write((tx) => takeRun(tx, attemptId, run, sentAt, isNews));
}

/** As `recordRun`, told by a webhook that may have been overtaken by others. */
export function takeDeliveredRun(
  tx: WriteTx,
  attemptId: string,
  run: Run,
  at: number,
): Promise<boolean> {
  return takeRun(tx, attemptId, run, at, isFurtherOn);
}

type Decision = (attempt: AttemptRow, run: Run, at: number) => boolean;

async function takeRun(
  tx: WriteTx,
  attemptId: string,
  run: Run,
  at: number,
  decide: Decision,
): Promise<boolean> {
  if (run.attempt > 1) return false;
  const written = await writeAttempt(tx, attemptId, {
    decide: (attempt) =>
      isOpenRun(attempt, run) && decide(attempt, run, at)
        ? { to: attempt.state, set: observed(tx, attempt, run, at) }
        : undefined,
    event: undefined,
  });
  if (written === undefined) return false;
  const { before, after } = written;
  if (before.run_status !== after.run_status) await noteNaming(tx, after, run);
  if (after.ended_at !== null) {
    emitAttempt(tx, after, { kind: 'attempt.ended', data: { conclusion: run.conclusion } });
  } else if (before.run_status !== after.run_status) {
    emitAttempt(tx, after, { kind: 'attempt.changed', data: { runStatus: run.status } });
  }
  const job = await findActiveJob(tx.db, after);
  if (job !== undefined) await moveOn(tx, job, run);
  return true;
}

function isOpenRun(attempt: AttemptRow, run: Run): boolean {
  return attempt.run_id === run.id && attempt.ended_at === null;
}

function isFurtherOn(attempt: AttemptRow, run: Run, at: number): boolean {
  const known = { status: attempt.run_status, at: attempt.run_observed_at };
  return isFurther(known, { status: run.status, at });
}

/** Listings lag and overtake each other: nothing is taken back that a request sent later has shown. */
function isNews(attempt: AttemptRow, run: Run, sentAt: number): boolean {
  // An end is one whenever it was seen: a forge's clock that was put back must not hide it until it has caught up.
  if (rankOf(run.status) > rankOf(attempt.run_status)) return true;
  if ((knownAt(attempt, sentAt) ?? -Infinity) >= sentAt) return false;
  return rankOf(run.status) === rankOf(attempt.run_status);
}

/** A time that is yet to come would hide all that happens until then. */
function knownAt({ run_observed_at: knownAtMs }: AttemptRow, at: number): number | null {
  return knownAtMs !== null && knownAtMs < at + OBSERVED_AHEAD_MS ? knownAtMs : null;
}

/** A run that is waiting may start and, behind an approval, wait again; a completed one of attempt 1 stays so. */
function rankOf(status: string | null): number {
  return status === 'completed' ? 1 : 0;
}

function observed(tx: WriteTx, attempt: AttemptRow, run: Run, at: number): AttemptChange {
  return {
    run_url: run.url,
    run_status: run.status,
    run_conclusion: run.conclusion,
    run_created_at: run.createdAt,
    run_started_at: run.startedAt,
    // What is further on may have been seen before what was known: listings sent in between stay outdated.
    run_observed_at: Math.max(at, knownAt(attempt, at) ?? at),
    gone_since: null,
    ...(run.status === 'completed' ? { ended_at: tx.now } : {}),
  };
}

async function moveOn(tx: WriteTx, job: JobRow, run: Run): Promise<void> {
  const times = { run_created_at: run.createdAt, run_started_at: run.startedAt };
  if (run.status === 'completed') {
    const started_at = job.started_at ?? tx.now;
    const set = { ...times, started_at, run_completed_at: run.updatedAt };
    await endJob(tx, job, { ...endBy(run), set });
  } else if (run.status === 'in_progress' && job.state === 'triggered') {
    await moveJob(tx, {
      id: job.id,
      from: 'triggered',
      to: 'running',
      set: { ...times, started_at: tx.now },
      event: { kind: 'job.running', data: { runId: run.id } },
    });
  } else if (job.run_url !== run.url) {
    const event = { kind: 'job.run-found', data: { runId: run.id } } as const;
    await changeJob(tx, job, { run_url: run.url, ...times }, event);
  }
}

/** Of a job that has not ended: a cancel that somebody here wished has ended it before its run. */
function endBy({ conclusion }: Run): Pick<JobEnd, 'to' | 'message' | 'cause'> {
  const to = endOf(conclusion);
  if (to === 'completed') return { to, message: '' };
  if (to === 'failed')
    return { to, message: `the run ended with ${conclusion ?? 'no conclusion'}` };
  return { to, message: CANCELLED_BY_FORGE, cause: 'cancelled-by-forge' };
}

/** Not a state: it only bears on what is concluded later. */
export async function recordMissing(
  database: Database,
  attemptId: string,
  sentAt: number,
): Promise<void> {
  await database.write(async (tx) => {
    await writeAttempt(tx, attemptId, {
      decide: (attempt) => {
        const { since, at } = missingBy(attempt, sentAt);
        if (!awaitsRun(attempt) || sentAt <= at) return undefined;
        return {
          to: attempt.state,
          set: {
            missing_since: since,
            missing_at: sentAt,
          },
        };
      },
      event: undefined,
    });
  });
}

/** Looks that are yet to come were told by a clock that was put back: until then it would not be looked for. */
function missingBy(
  { missing_since: since, missing_at: at }: AttemptRow,
  sentAt: number,
): { since: number; at: number } {
  if (since === null || at === null) return { since: sentAt, at: -Infinity };
  const isAhead = at >= sentAt + OBSERVED_AHEAD_MS;
  return { since: isAhead ? Math.min(since, sentAt) : since, at: isAhead ? -Infinity : at };
}

export function awaitsRun({ state, run_id, ended_at }: AttemptRow): boolean {
  return run_id === null && ended_at === null && (state === 'unknown' || state === 'accepted');
}

export async function concludeAbsent(
  database: Database,
  attemptId: string,
  message: string,
): Promise<boolean> {
  return database.write(async (tx) => {
    const written = await writeAttempt(tx, attemptId, {
      decide: (attempt) => {
        if (!awaitsRun(attempt)) return undefined;
        const set = { ended_at: tx.now, error_message: message };
        return { to: attempt.state === 'unknown' ? 'absent' : 'accepted', set };
      },
      event: undefined,
    });
    if (written === undefined) return false;
    const { after } = written;
    const kind = after.state === 'absent' ? 'attempt.absent' : 'attempt.ended';
    emitAttempt(tx, after, { kind, data: { message } });
    await settleAbsent(tx, after, message);
    return true;
  });
}

export async function concludeAmbiguous(
  database: Database,
  attemptId: string,
  message: string,
  { guessedRunId, unnamedRun }: AmbiguousEnd = {},
): Promise<boolean> {
  const isOpen = (attempt: AttemptRow): boolean =>
    guessedRunId === undefined ? awaitsRun(attempt) : isGuess(attempt, guessedRunId);
  return database.write(async (tx) => {
    const written = await writeAttempt(tx, attemptId, {
      decide: (attempt) => {
        if (!isOpen(attempt)) return undefined;
        const noRun = guessedRunId === undefined ? {} : NO_RUN;
        return { to: 'ambiguous', set: { ...noRun, ended_at: tx.now, error_message: message } };
      },
      event: { kind: 'attempt.ambiguous', data: { message } },
    });
    if (written === undefined) return false;
    const { before, after } = written;
    if (unnamedRun !== undefined && before.state === 'accepted') {
      await noteUnnamed(tx, after, unnamedRun);
    }
    const job = await findActiveJob(tx.db, after);
    const unmatched = job === undefined || job.run_id === null ? job : await unmatchJob(tx, job);
    if (unmatched !== undefined) {
      await endJob(tx, unmatched, { to: 'failed', message, cause: 'outcome-unknown' });
    }
    return true;
  });
}

function isGuess({ state, run_id, matched_by, ended_at }: AttemptRow, runId: string): boolean {
  const mayLetGo = state === 'found' || state === 'accepted';
  return mayLetGo && run_id === runId && matched_by === 'order' && ended_at === null;
}

/**
 * What the forge accepted may yet run: a second start could be a double one, so its job fails, and ends its chain. A job
 * whose dispatches get lost twice fails, too: something is wrong that a third would not mend.
 */
async function settleAbsent(tx: WriteTx, attempt: AttemptRow, message: string): Promise<void> {
  const job = await findActiveJob(tx.db, attempt);
  if (job === undefined) return;
  if (attempt.state === 'absent' && job.absent_count === 0 && job.state === 'triggered') {
    await returnJob(tx, job, { notBefore: null, reason: message, isAbsent: true });
  } else {
    const isAbsent = attempt.state === 'absent';
    const set = { absent_count: job.absent_count + (isAbsent ? 1 : 0) };
    const cause = isAbsent ? 'failed' : 'outcome-unknown';
    await endJob(tx, job, { to: 'failed', message, set, cause });
  }
}
