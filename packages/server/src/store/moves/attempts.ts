/**
 * All moves of an attempt, fenced by its id, state and run. Whoever writes an attempt holds its row until the end of
 * the transaction, and only then looks at its job: that is the order in which everybody locks.
 */
import { type InsertObject, type RawBuilder, type SqlBool, sql, type Transaction } from 'kysely';
import { type AttemptState, assertAttemptMove, isGivenUp } from '../../domain/attempt.ts';
import { type EventKind, SYSTEM_ACTOR } from '../../domain/event.ts';
import { ACTIVE_STATES } from '../../domain/job.ts';
import type { WriteTx } from '../database.ts';
import { findSqlState } from '../engine/postgres/faults.ts';
import { findSqliteCode } from '../engine/sqlite/file.ts';
import type { AttemptRow, JobRow, Schema } from '../schema.ts';
import { unmatchJob } from './jobs.ts';

/** `isWatched` of the domain, word for word the condition of the index `attempts_watched`. */
export const isWatchedRow = sql<SqlBool>`run_id is null and ended_at is not null and state <> 'refused'`;

export type AttemptChange = Partial<Omit<AttemptRow, 'id' | 'job_id' | 'state'>>;

export interface AttemptEvent {
  readonly kind: EventKind;
  readonly actor?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** An attempt that was written, as it was before and as it is now. */
export interface WrittenAttempt {
  readonly before: AttemptRow;
  readonly after: AttemptRow;
}

/** Nothing is known of its run, or it is not its run any more. */
export const NO_RUN = {
  run_id: null,
  run_url: '',
  matched_by: null,
  run_status: null,
  run_conclusion: null,
  run_created_at: null,
  run_started_at: null,
  run_observed_at: null,
  runner_id: null,
  runner_name: '',
  gone_since: null,
  cancel_sent_at: null,
  force_cancel_sent_at: null,
  hold_ended_at: null,
} as const satisfies AttemptChange;

export function emitAttempt(tx: WriteTx, attempt: AttemptRow, event: AttemptEvent): void {
  tx.emit({
    kind: event.kind,
    subjectType: 'attempt',
    subjectId: attempt.id,
    groupId: attempt.group_id,
    forgeId: attempt.forge_id,
    actor: event.actor ?? SYSTEM_ACTOR,
    isAudit: event.actor !== undefined && event.actor !== SYSTEM_ACTOR,
    data: {
      jobId: attempt.job_id,
      state: attempt.state,
      runId: attempt.run_id,
      ...event.data,
    },
  });
}

export interface AttemptWrite {
  /** `undefined`: this attempt is left as it is. Called anew when another writer was in between. */
  readonly decide: (
    attempt: AttemptRow,
  ) => { readonly to: AttemptState; readonly set: AttemptChange } | undefined;
  /** `undefined`: not a state, nothing is emitted. */
  readonly event: AttemptEvent | undefined;
}

/**
 * Reads, decides, and writes only if the row is still as read; else looks anew. An outcome must not be dropped
 * because a correlation or an expiry wrote in between: the forge says it only once.
 */
export async function writeAttempt(
  tx: WriteTx,
  id: string,
  { decide, event }: AttemptWrite,
): Promise<WrittenAttempt | undefined> {
  for (;;) {
    const before = await findAttempt(tx.db, id);
    const decided = before === undefined ? undefined : decide(before);
    if (before === undefined || decided === undefined) return undefined;
    if (decided.to !== before.state) assertAttemptMove(before.state, decided.to);
    const after = await tx.db
      .updateTable('attempts')
      .set({ ...decided.set, state: decided.to })
      .where('id', '=', id)
      .where('state', '=', before.state)
      .where('run_id', 'is not distinct from', before.run_id)
      .where('ended_at', 'is not distinct from', before.ended_at)
      .returningAll()
      .executeTakeFirst();
    if (after === undefined) continue;
    if (event !== undefined) emitAttempt(tx, after, event);
    return { before, after };
  }
}

/** nothing → claimed */
export async function insertClaimed(
  tx: WriteTx,
  attempt: Omit<InsertObject<Schema, 'attempts'>, 'state'>,
): Promise<AttemptRow> {
  return tx.db
    .insertInto('attempts')
    .values({ ...attempt, state: 'claimed' })
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** claimed → unknown, of all whose time is over: nobody will say any more whether they were sent. */
export async function expireClaimed(
  tx: WriteTx,
  isOver: RawBuilder<SqlBool>,
  message: string,
): Promise<number> {
  const expired = await tx.db
    .updateTable('attempts')
    .set({ state: 'unknown', error_message: message })
    .where('state', '=', 'claimed')
    .where(isOver)
    .returningAll()
    .execute();
  for (const attempt of expired) {
    emitAttempt(tx, attempt, { kind: 'attempt.unknown', data: { message } });
  }
  return expired.length;
}

async function findAttempt(db: Transaction<Schema>, id: string): Promise<AttemptRow | undefined> {
  return db.selectFrom('attempts').selectAll().where('id', '=', id).executeTakeFirst();
}

/** The job that this attempt speaks for. `undefined`: it is gone, has ended, or has another attempt by now. */
export async function findActiveJob(
  db: Transaction<Schema>,
  attempt: AttemptRow,
): Promise<JobRow | undefined> {
  return db
    .selectFrom('jobs')
    .selectAll()
    .where('id', '=', attempt.job_id)
    .where('attempt_id', '=', attempt.id)
    .where('state', 'in', ACTIVE_STATES)
    .executeTakeFirst();
}

/**
 * Takes the run from an attempt that was only guessed to have it: that one is unknown again, its job triggered.
 * A job that has ended by the guess stays ended; its attempt goes on looking for the run it really started.
 *
 * @returns false when another attempt has the run by the forge's own word
 */
export async function takeRunFromGuess(
  tx: WriteTx,
  run: { readonly forgeId: string; readonly runId: string; readonly for: string },
): Promise<boolean> {
  const owner = await tx.db
    .selectFrom('attempts')
    .select('id')
    .where('forge_id', '=', run.forgeId)
    .where('run_id', '=', run.runId)
    .where('id', '<>', run.for)
    .executeTakeFirst();
  if (owner === undefined) return true;
  let isFree = false;
  const written = await writeAttempt(tx, owner.id, {
    decide: (attempt) => {
      isFree = attempt.run_id !== run.runId;
      if (isFree || attempt.matched_by === 'reply') return undefined;
      return {
        to: attempt.state === 'found' ? 'unknown' : attempt.state,
        set: lostRun(attempt, tx),
      };
    },
    event: undefined,
  });
  if (written === undefined) return isFree;
  const kind = written.after.state === 'unknown' ? 'attempt.unknown' : 'attempt.changed';
  emitAttempt(tx, written.after, { kind, data: { lostRunId: run.runId } });
  const job = await findActiveJob(tx.db, written.after);
  if (job !== undefined) await unmatchJob(tx, job);
  return true;
}

function lostRun(attempt: AttemptRow, tx: WriteTx): AttemptChange {
  if (!isGivenUp(attempt)) return { ...NO_RUN, ended_at: null };
  // The late run was not its run: it is given up as before, with nothing to cancel.
  return { ...NO_RUN, ended_at: tx.now, cancel_wanted_at: null };
}

const PG_UNIQUE_VIOLATION = '23505';
const SQLITE_CONSTRAINT = 19;

/** Two attempts reached for one run at once, and the other has committed it. */
export function isRunTaken(error: unknown): boolean {
  return findSqlState(error) === PG_UNIQUE_VIOLATION || findSqliteCode(error) === SQLITE_CONSTRAINT;
}
