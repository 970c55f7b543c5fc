/** What became of a claim. An outcome goes to the attempt whatever has become of the job meanwhile. */
import { type SqlBool, sql } from 'kysely';
import { isGivenUp } from '../../domain/attempt.ts';
import { missingTargetFields } from '../../domain/job.ts';
import { findOrigin } from '../catalog/template-versions.ts';
import { chunksOf } from '../chunks.ts';
import type { Database, WriteTx } from '../database.ts';
import { holdsLease } from '../leases.ts';
import {
  type AttemptChange,
  type AttemptEvent,
  emitAttempt,
  expireClaimed,
  findActiveJob,
  isRunTaken,
  NO_RUN,
  takeRunFromGuess,
  writeAttempt,
} from '../moves/attempts.ts';
import { changeJob, endJob, returnJob, unmatchJob } from '../moves/jobs.ts';
import type { RefusedOutcome, TargetWord } from '../port/dispatch.ts';
import type { Fence } from '../port/leases.ts';
import { targetOfJob } from '../rows.ts';
import type { AttemptRow, JobRow } from '../schema.ts';
import { returnAt } from './put-off.ts';
import { clearTarget } from './targets.ts';
import { noteVerdict, releaseProbe } from './verdicts.ts';

/** More than two would have to be guessed the same run at once. */
const TRIES_FOR_RUN = 5;
const IDS_PER_STATEMENT = 500;
const EXPIRED = 'its sender ended before the outcome was recorded';

export async function giveBack(
  database: Database,
  attemptId: string,
  reason: string,
): Promise<boolean> {
  return database.write(async (tx) => {
    const refused = await refuse(tx, attemptId, reason, { reason, isUnsent: true });
    if (refused === undefined) return false;
    await releaseProbe(tx, refused.attempt);
    if (refused.job !== undefined) await returnJob(tx, refused.job, { notBefore: null, reason });
    return true;
  });
}

export async function recordRefused(
  database: Database,
  attemptId: string,
  outcome: RefusedOutcome,
): Promise<boolean> {
  return database.write(async (tx) => {
    const { message, then } = outcome;
    const refused = await refuse(tx, attemptId, message, { message, then });
    if (refused === undefined) return false;
    const noted = await noteVerdict(tx, refused.attempt, outcome);
    const isForGood = then === 'fail' || (then === 'fail-if-repeated' && noted.hasRepeated);
    if (refused.job !== undefined) {
      const { attempt, job } = refused;
      const failing = outcome.isOwnFailure ? noted.failing : null;
      const notBefore = await returnAt(tx, attempt, job, outcome, failing);
      await settleRefused(tx, job, { ...outcome, notBefore }, isForGood);
    }
    return true;
  });
}

/**
 * It surely started nothing. Another server may have thought its sender gone meanwhile, and have given it a run by time
 * alone: that is somebody else's.
 *
 * @returns what is left to do with its job; `undefined`: it was settled otherwise
 */
async function refuse(
  tx: WriteTx,
  attemptId: string,
  error_message: string,
  data: AttemptEvent['data'],
): Promise<{ attempt: AttemptRow; job: JobRow | undefined } | undefined> {
  const written = await writeAttempt(tx, attemptId, {
    decide: (attempt) =>
      mayBeRefused(attempt)
        ? { to: 'refused', set: { ...NO_RUN, ended_at: tx.now, error_message } }
        : undefined,
    event: { kind: 'attempt.refused', ...(data && { data }) },
  });
  if (written === undefined) return undefined;
  const { before, after: attempt } = written;
  const active = await findActiveJob(tx.db, attempt);
  const isGuessed = active !== undefined && before.run_id !== null;
  return { attempt, job: isGuessed ? await unmatchJob(tx, active) : active };
}

/** A run that the forge named, or that bears its id, it has started: whatever came after that is about something else. */
function mayBeRefused({ state, matched_by }: AttemptRow): boolean {
  const isSettled = state === 'accepted' || state === 'refused';
  return !isSettled && (matched_by === null || matched_by === 'order');
}

async function settleRefused(
  tx: WriteTx,
  job: JobRow,
  { message: reason, notBefore }: RefusedOutcome,
  isForGood: boolean,
): Promise<void> {
  // Refused for good: it never was triggered, as far as anybody outside can tell.
  const set = { triggered_at: null };
  if (isForGood) await endJob(tx, job, { to: 'failed', message: reason, set });
  else await returnJob(tx, job, { notBefore, reason });
}

export async function recordUnknown(
  database: Database,
  attemptId: string,
  message: string,
  word?: TargetWord,
): Promise<boolean> {
  return database.write(async (tx) => {
    const written = await writeAttempt(tx, attemptId, {
      decide: ({ state }) =>
        state === 'claimed' ? { to: 'unknown', set: { error_message: message } } : undefined,
      event: { kind: 'attempt.unknown', data: { message } },
    });
    if (written === undefined) return false;
    if (word !== undefined) await noteVerdict(tx, written.after, { ...word, message });
    return true;
  });
}

export async function recordAccepted(
  database: Database,
  attemptId: string,
  run: { runId: string | null; runUrl: string },
): Promise<boolean> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await database.write((tx) => accept(tx, attemptId, run));
    } catch (error) {
      // A correlation gave the run away after we had looked. It has committed: now it can be taken from it.
      if (!isRunTaken(error) || tries === TRIES_FOR_RUN) throw error;
    }
  }
}

async function accept(
  tx: WriteTx,
  attemptId: string,
  { runId, runUrl }: { runId: string | null; runUrl: string },
): Promise<boolean> {
  const written = await writeAttempt(tx, attemptId, {
    decide: (attempt) =>
      attempt.state === 'accepted' || attempt.state === 'refused'
        ? undefined
        : { to: 'accepted', set: acceptedAs(tx, attempt, runId) },
    event: undefined,
  });
  if (written === undefined) return false;
  const { before } = written;
  const after =
    runId === null ? written.after : await giveRun(tx, written.after, { runId, runUrl });
  const isLate = isGivenUp(before) && after.run_id !== null && after.run_id !== before.run_id;
  emitAttempt(tx, after, { kind: isLate ? 'attempt.run-late' : 'attempt.accepted' });
  await showRun(tx, before, after);
  await clearTarget(tx, after);
  return true;
}

function acceptedAs(tx: WriteTx, attempt: AttemptRow, runId: string | null): AttemptChange {
  // A reply without a run (204) lets a guess stand; one that names another run ends it.
  const guess = runId === null || attempt.run_id === runId ? {} : { ...NO_RUN, ended_at: null };
  const answered = { ...guess, answered_at: tx.now, error_message: '' };
  if (!isGivenUp(attempt)) return answered;
  // Too late: its job has gone on without it, and what it started is not wanted any more.
  const cancel_wanted_at = attempt.cancel_wanted_at ?? tx.now;
  return { ...answered, ended_at: null, cancel_wanted_at };
}

async function giveRun(
  tx: WriteTx,
  attempt: AttemptRow,
  { runId, runUrl }: { runId: string; runUrl: string },
): Promise<AttemptRow> {
  const isFree = await takeRunFromGuess(tx, {
    forgeId: attempt.forge_id,
    runId,
    for: attempt.id,
  });
  const set: AttemptChange = isFree
    ? { run_id: runId, run_url: runUrl, matched_by: 'reply' }
    : { error_message: `the forge named run ${runId}, which it had named to another attempt` };
  return tx.db
    .updateTable('attempts')
    .set(set)
    .where('id', '=', attempt.id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** On the job that this attempt speaks for, if it still does. */
async function showRun(tx: WriteTx, before: AttemptRow, after: AttemptRow): Promise<void> {
  const job = await findActiveJob(tx.db, after);
  if (job === undefined || after.run_id === null) return;
  const isOtherRun = before.run_id !== null && before.run_id !== after.run_id;
  const shown = isOtherRun ? await unmatchJob(tx, job) : job;
  if (shown === undefined || shown.run_id === after.run_id) return;
  const { run_id, run_url } = after;
  await changeJob(
    tx,
    shown,
    { run_id, run_url },
    { kind: 'job.run-found', data: { runId: run_id } },
  );
}

export async function failUndispatchable(
  database: Database,
  fence: Fence,
  jobId: string,
  message: string,
): Promise<boolean> {
  return database.write(async (tx) => {
    if (!(await holdsLease(tx, database, fence))) return false;
    const job = await tx.db
      .selectFrom('jobs')
      .selectAll()
      .where('id', '=', jobId)
      .executeTakeFirst();
    if (job?.state !== 'pending' || !(await isUndispatchable(tx, job))) return false;
    // Mended meanwhile: then it is written anew, and not ours to fail.
    const where = sql<SqlBool>`updated_at = ${job.updated_at}`;
    return (await endJob(tx, job, { to: 'failed', message, where })) !== undefined;
  });
}

async function isUndispatchable(tx: WriteTx, job: JobRow): Promise<boolean> {
  const origin = await findOrigin(tx.db, job);
  return missingTargetFields(targetOfJob(job, origin)).length > 0;
}

/** By the database's clock alone: two servers' clocks may differ by more than a deadline. */
export async function expireClaims(
  database: Database,
  fence: Fence,
  requestTimeoutMs: number,
): Promise<number> {
  const isOver = sql<SqlBool>`state = 'claimed'
    and send_deadline < ${database.dbNow} - ${sql.lit(requestTimeoutMs)}`;
  const over = await database.read.selectFrom('attempts').select('id').where(isOver).execute();
  if (over.length === 0) return 0;
  return database.write(async (tx) => {
    if (!(await holdsLease(tx, database, fence))) return 0;
    return expireClaimed(tx, isOver, EXPIRED);
  });
}

export async function recordDisplaced(
  database: Database,
  attemptIds: readonly string[],
): Promise<void> {
  if (attemptIds.length === 0) return;
  await database.write(async (tx) => {
    for (const ids of chunksOf(attemptIds, IDS_PER_STATEMENT)) {
      const displaced = await tx.db
        .updateTable('attempts')
        .set({ displaced_at: tx.now })
        .where('id', 'in', ids)
        .where('displaced_at', 'is', null)
        .where('ended_at', 'is', null)
        .returningAll()
        .execute();
      for (const attempt of displaced) emitAttempt(tx, attempt, { kind: 'attempt.displaced' });
    }
  });
}

export async function recordHoldsEnded(
  database: Database,
  attemptIds: readonly string[],
): Promise<void> {
  if (attemptIds.length === 0) return;
  await database.write(async (tx) => {
    for (const ids of chunksOf(attemptIds, IDS_PER_STATEMENT)) {
      const ended = await tx.db
        .updateTable('attempts')
        .set({ hold_ended_at: tx.now })
        .where('id', 'in', ids)
        .where('hold_ended_at', 'is', null)
        .returningAll()
        .execute();
      for (const attempt of ended) {
        emitAttempt(tx, attempt, { kind: 'attempt.changed', data: { isHoldEnded: true } });
      }
    }
  });
}
