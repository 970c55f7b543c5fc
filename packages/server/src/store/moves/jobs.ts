/**
 * All moves of a job. Each is fenced by the state it believed, moves the counts and emits one event, in the
 * caller's transaction. A triggered or running job is moved only by who has written its attempt in the same
 * transaction before: that row is the lock, so what was read of the job stays true.
 */
import type { Expression, SqlBool } from 'kysely';
import { sql } from 'kysely';
import type { EventKind } from '../../domain/event.ts';
import { SYSTEM_ACTOR } from '../../domain/event.ts';
import {
  assertMove,
  type EndedState,
  type JobState,
  RANK_GAP,
  type RequeueCause,
  requeueOf,
} from '../../domain/job.ts';
import { uuidv7 } from '../../lib/ids.ts';
import type { WriteTx } from '../database.ts';
import { insertRows } from '../insert-rows.ts';
import { jobOf } from '../rows.ts';
import type { JobRow } from '../schema.ts';

export interface JobEvent {
  readonly kind: EventKind;
  /** Who did it. @default dispatchoor itself */
  readonly actor?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Where nobody could run anything. */
const NO_RUN = {
  run_id: null,
  run_url: '',
  run_created_at: null,
  run_started_at: null,
  runner_id: null,
  runner_name: '',
  started_at: null,
} as const;

/** What a person decided is kept a year, what follows from it a week. */
export function emitJob(tx: WriteTx, job: JobRow, event: JobEvent): void {
  const actor = event.actor ?? SYSTEM_ACTOR;
  tx.emit({
    kind: event.kind,
    subjectType: 'job',
    subjectId: job.id,
    groupId: job.group_id,
    forgeId: job.forge_id,
    actor,
    isAudit: actor !== SYSTEM_ACTOR,
    data: { state: job.state, templateId: job.template_id, ...event.data },
  });
}

export interface Move {
  readonly id: string;
  readonly from: JobState;
  readonly to: JobState;
  readonly set: Partial<Omit<JobRow, 'id' | 'state' | 'group_id' | 'template_id'>>;
  /** What else must be true of the row. */
  readonly where?: Expression<SqlBool>;
  readonly event: JobEvent;
}

/** `undefined`: the job was not as believed, and nothing was done. */
export async function moveJob(tx: WriteTx, move: Move): Promise<JobRow | undefined> {
  assertMove(move.from, move.to);
  const moved = await tx.db
    .updateTable('jobs')
    .set({ ...move.set, state: move.to, updated_at: tx.now })
    .where('id', '=', move.id)
    .where('state', '=', move.from)
    .$if(move.where !== undefined, (query) => query.where(move.where ?? sql<SqlBool>`1 = 1`))
    .returningAll()
    .executeTakeFirst();
  if (moved === undefined) return undefined;
  count(tx, moved, move.from, -1);
  count(tx, moved, move.to, 1);
  emitJob(tx, moved, { ...move.event, data: { from: move.from, ...move.event.data } });
  return moved;
}

export type PendingFields = Pick<
  JobRow,
  | 'group_id'
  | 'template_id'
  | 'priority'
  | 'name'
  | 'owner'
  | 'repo'
  | 'workflow_id'
  | 'ref'
  | 'labels'
  | 'inputs'
  | 'auto_requeue'
  | 'requeue_limit'
  | 'requeue_count'
  | 'failure_count'
  | 'created_by'
  | 'not_before'
>;

/** Takes the group's next number, and with it the last place among equals. `undefined`: there is no such group. */
export async function takeNumber(
  tx: WriteTx,
  groupId: string,
): Promise<{ number: number; forgeId: string } | undefined> {
  return tx.db
    .updateTable('groups')
    .set((eb) => ({ next_number: eb('next_number', '+', 1) }))
    .where('id', '=', groupId)
    .returning([sql<number>`next_number - 1`.as('number'), 'forge_id as forgeId'])
    .executeTakeFirst();
}

/** nothing → pending. */
export async function insertJob(
  tx: WriteTx,
  id: string,
  fields: PendingFields,
  place: { readonly number: number; readonly forgeId: string },
  event: JobEvent,
): Promise<JobRow> {
  assertMove(null, 'pending');
  const job: JobRow = {
    ...fields,
    ...NO_RUN,
    id,
    forge_id: place.forgeId,
    // Each requeue takes what the template says by then; only its inputs are those of its forerunner.
    template_version: null,
    state: 'pending',
    is_paused: 0,
    number: place.number,
    rank: (place.number + 1) * RANK_GAP,
    attempt_id: null,
    absent_count: 0,
    triggered_at: null,
    completed_at: null,
    run_completed_at: null,
    error_message: '',
    created_at: tx.now,
    updated_at: tx.now,
  };
  await insertRows(tx.db, 'jobs', [job]);
  count(tx, job, 'pending', 1);
  emitJob(tx, job, event);
  return job;
}

const ENDED_KINDS = {
  completed: 'job.completed',
  failed: 'job.failed',
  cancelled: 'job.cancelled',
} as const satisfies Record<EndedState, EventKind>;

export interface JobEnd {
  readonly to: EndedState;
  /** Why, for people. */
  readonly message: string;
  readonly set?: Move['set'];
  readonly where?: Expression<SqlBool>;
  readonly actor?: string;
  /** What decides when the next of its chain may start. @default `to` */
  readonly cause?: RequeueCause;
}

/** The end of a job and what follows it are one: a crash between them would lose the rest of the chain. */
export async function endJob(
  tx: WriteTx,
  job: Pick<JobRow, 'id' | 'state'>,
  end: JobEnd,
): Promise<JobRow | undefined> {
  const ended = await moveJob(tx, {
    id: job.id,
    from: job.state,
    to: end.to,
    set: { ...end.set, completed_at: tx.now, error_message: end.message },
    ...(end.where === undefined ? {} : { where: end.where }),
    event: {
      kind: ENDED_KINDS[end.to],
      ...(end.actor === undefined ? {} : { actor: end.actor }),
      data: { message: end.message },
    },
  });
  if (ended !== undefined) await requeueAfter(tx, ended, end.cause ?? end.to);
  return ended;
}

/** At the tail, unpaused, with the inputs of its forerunner: a template's later inputs do not reach the chain. */
async function requeueAfter(tx: WriteTx, ended: JobRow, cause: RequeueCause): Promise<void> {
  const requeue = requeueOf(jobOf(ended), cause, tx.now);
  if (requeue === undefined) return;
  const place = await takeNumber(tx, ended.group_id);
  if (place === undefined) throw new Error(`group ${ended.group_id} of job ${ended.id} is gone`);
  const { group_id, template_id, priority, name, owner, repo, workflow_id, ref } = ended;
  const { labels, inputs, auto_requeue, requeue_limit, created_by } = ended;
  const fields: PendingFields = {
    ...{ group_id, template_id, priority, name, owner, repo, workflow_id, ref },
    ...{ labels, inputs, auto_requeue, requeue_limit, created_by },
    requeue_count: requeue.requeueCount,
    failure_count: requeue.failureCount,
    not_before: requeue.notBefore,
  };
  const event = { kind: 'job.requeued', data: { after: ended.id } } as const;
  await insertJob(tx, uuidv7(tx.now), fields, place, event);
}

export interface Return {
  /** Not claimed before this moment; `null`: at once. */
  readonly notBefore: number | null;
  readonly reason: string;
  readonly isAbsent?: boolean;
}

/** triggered → pending, at its old place: its attempt started nothing. */
export async function returnJob(
  tx: WriteTx,
  job: JobRow,
  { notBefore, reason, isAbsent = false }: Return,
): Promise<JobRow | undefined> {
  return moveJob(tx, {
    id: job.id,
    from: 'triggered',
    to: 'pending',
    set: {
      ...NO_RUN,
      attempt_id: null,
      triggered_at: null,
      not_before: notBefore,
      absent_count: job.absent_count + (isAbsent ? 1 : 0),
    },
    event: { kind: 'job.returned', data: { reason, attemptId: job.attempt_id } },
  });
}

/** Its run turned out to be another attempt's: a running job is triggered again, and waits for its own run. */
export async function unmatchJob(tx: WriteTx, job: JobRow): Promise<JobRow | undefined> {
  const event = { kind: 'job.unmatched', data: { runId: job.run_id } } as const;
  if (job.state === 'running') {
    return moveJob(tx, { id: job.id, from: 'running', to: 'triggered', set: NO_RUN, event });
  }
  return changeJob(tx, job, NO_RUN, event);
}

/** Writes an active job without moving it, fenced by its state and attempt. */
export async function changeJob(
  tx: WriteTx,
  job: Pick<JobRow, 'id' | 'state' | 'attempt_id'>,
  set: Move['set'],
  event: JobEvent,
): Promise<JobRow | undefined> {
  const changed = await tx.db
    .updateTable('jobs')
    .set({ ...set, updated_at: tx.now })
    .where('id', '=', job.id)
    .where('state', '=', job.state)
    .where('attempt_id', '=', job.attempt_id)
    .returningAll()
    .executeTakeFirst();
  if (changed !== undefined) emitJob(tx, changed, event);
  return changed;
}

/** pending or failed → nothing. */
export async function removeJob(
  tx: WriteTx,
  id: string,
  from: 'pending' | 'failed',
  actor: string,
): Promise<boolean> {
  assertMove(from, null);
  const gone = await tx.db
    .deleteFrom('jobs')
    .where('id', '=', id)
    .where('state', '=', from)
    .returningAll()
    .executeTakeFirst();
  if (gone === undefined) return false;
  count(tx, gone, from, -1);
  emitJob(tx, gone, { kind: 'job.deleted', actor });
  return true;
}

function count(tx: WriteTx, job: JobRow, state: JobState, delta: number): void {
  tx.count({ groupId: job.group_id, templateId: job.template_id, state }, delta);
}
