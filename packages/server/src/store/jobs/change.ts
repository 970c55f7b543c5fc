/** What people do to a job that is there. */
import type { Kysely } from 'kysely';
import type { JobState } from '../../domain/job.ts';
import { takeTemplate } from '../catalog/template-versions.ts';
import type { Database, WriteTx } from '../database.ts';
import { emitAttempt } from '../moves/attempts.ts';
import { emitJob, endJob, removeJob } from '../moves/jobs.ts';
import type { ListedJob, Lost, Outcome } from '../port/jobs.ts';
import { toBool } from '../rows.ts';
import type { JobRow, Schema } from '../schema.ts';
import { listed } from './queue-place.ts';

type Written = { readonly row: JobRow } | Lost;

export async function setPaused(
  database: Database,
  id: string,
  isPaused: boolean,
  actor: string,
): Promise<Outcome<ListedJob>> {
  const written = await database.write(async (tx): Promise<Written> => {
    const changed = await tx.db
      .updateTable('jobs')
      .set({ is_paused: toBool(isPaused), updated_at: tx.now })
      .where('id', '=', id)
      .where('state', '=', 'pending')
      .where('is_paused', '=', toBool(!isPaused))
      .returningAll()
      .executeTakeFirst();
    if (changed !== undefined) {
      emitJob(tx, changed, { kind: isPaused ? 'job.paused' : 'job.resumed', actor });
      return { row: changed };
    }
    const row = await findRow(tx.db, id);
    return row?.state === 'pending' ? { row } : lost(row);
  });
  return outcome(database, written);
}

export async function deleteJob(
  database: Database,
  id: string,
  actor: string,
): Promise<Outcome<null>> {
  return database.write(async (tx): Promise<Outcome<null>> => {
    for (const from of ['pending', 'failed'] as const) {
      if (await removeJob(tx, id, from, actor)) return { ok: true, value: null };
    }
    return lost(await findRow(tx.db, id));
  });
}

export async function cancelJob(
  database: Database,
  id: string,
  actor: string,
): Promise<Outcome<ListedJob>> {
  const written = await database.write(async (tx): Promise<Written> => {
    for (;;) {
      const job = await findRow(tx.db, id);
      if (job === undefined || !isActive(job.state)) return lost(job);
      // The attempt first: with it locked, the job stays with it and in its state.
      if (job.attempt_id !== null) await wantCancel(tx, job.attempt_id, actor);
      const row = await cancelIfStill(tx, id, job.attempt_id, actor);
      if (row !== undefined) return { row };
    }
  });
  return outcome(database, written);
}

export async function takeTemplateAsNow(
  database: Database,
  id: string,
  actor: string,
): Promise<Outcome<ListedJob>> {
  const written = await database.write(async (tx): Promise<Written> => {
    for (;;) {
      const job = await findRow(tx.db, id);
      if (job?.state !== 'pending') return lost(job);
      const row = await takeTemplate(database, tx, job, actor);
      if (row !== undefined) return { row };
    }
  });
  return outcome(database, written);
}

/** Few enough that others write in between. */
const JOBS_PER_WRITE = 100;

export async function takeTemplateByAll(
  database: Database,
  templateId: string,
  actor: string,
): Promise<number> {
  let after = '';
  for (let count = 0; ; ) {
    const ids = await listKept(database.read, templateId, after);
    const last = ids.at(-1);
    if (last === undefined) return count;
    count += await database.write((tx) => takeByEach(database, tx, ids, actor));
    after = last;
  }
}

/** Pending jobs that keep what the template no longer says. */
async function listKept(db: Kysely<Schema>, templateId: string, after: string): Promise<string[]> {
  const rows = await db
    .selectFrom('template_versions as v')
    .innerJoin('jobs as j', 'j.template_version', 'v.id')
    .select('j.id')
    .where('v.template_id', '=', templateId)
    .where('j.completed_at', 'is', null)
    .where('j.state', '=', 'pending')
    .where('j.id', '>', after)
    .orderBy('j.id')
    .limit(JOBS_PER_WRITE)
    .execute();
  return rows.map(({ id }) => id);
}

/** Those that were sent, changed or deleted meanwhile are left as they are. */
async function takeByEach(
  database: Database,
  tx: WriteTx,
  ids: readonly string[],
  actor: string,
): Promise<number> {
  let count = 0;
  for (const id of ids) {
    const job = await findRow(tx.db, id);
    if (job?.state !== 'pending' || job.template_version === null) continue;
    if ((await takeTemplate(database, tx, job, actor)) !== undefined) count += 1;
  }
  return count;
}

/** A job that was given back and claimed anew meanwhile has another attempt: then it is looked at again. */
async function cancelIfStill(
  tx: WriteTx,
  id: string,
  attemptId: string | null,
  actor: string,
): Promise<JobRow | undefined> {
  const job = await findRow(tx.db, id);
  if (job === undefined || job.attempt_id !== attemptId || !isActive(job.state)) return undefined;
  return endJob(tx, job, { to: 'cancelled', message: '', actor });
}

async function wantCancel(tx: WriteTx, attemptId: string, actor: string): Promise<void> {
  const wanted = await tx.db
    .updateTable('attempts')
    .set({ cancel_wanted_at: tx.now })
    .where('id', '=', attemptId)
    .where('ended_at', 'is', null)
    .where('cancel_wanted_at', 'is', null)
    .returningAll()
    .executeTakeFirst();
  if (wanted !== undefined) emitAttempt(tx, wanted, { kind: 'attempt.cancel-wanted', actor });
}

async function findRow(db: Kysely<Schema>, id: string): Promise<JobRow | undefined> {
  return db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();
}

function isActive(state: JobState): boolean {
  return state === 'triggered' || state === 'running';
}

function lost(row: JobRow | undefined): Lost {
  if (row === undefined) return { ok: false, reason: 'not-found' };
  return { ok: false, reason: 'wrong-state', state: row.state };
}

async function outcome(database: Database, written: Written): Promise<Outcome<ListedJob>> {
  if (!('row' in written)) return written;
  return { ok: true, value: await listed(database.read, written.row) };
}
