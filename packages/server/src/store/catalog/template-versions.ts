/** What templates said before they changed: jobs that have not ended keep what they were queued with. */
import { type Kysely, sql } from 'kysely';
import { findTemplateChange, type TemplateContent } from '../../domain/template-change.ts';
import { uuidv7 } from '../../lib/ids.ts';
import type { Database, WriteTx } from '../database.ts';
import { emitJob } from '../moves/jobs.ts';
import { jobOf, stringMapOf, targetOfRow, toJson } from '../rows.ts';
import type { JobRow, Schema, TemplateRow, TemplateVersionRow } from '../schema.ts';

/** What a job is made from: its template, or that as it was when the job was queued. */
export type Origin = Pick<
  TemplateRow,
  'owner' | 'repo' | 'workflow_id' | 'ref' | 'default_inputs' | 'runners' | 'correlation_input'
>;

/** `undefined` for a manual job. */
export async function findOrigin(
  db: Kysely<Schema>,
  job: Pick<JobRow, 'template_id' | 'template_version'>,
): Promise<Origin | undefined> {
  return (await findVersion(db, job)) ?? (await findTemplate(db, job));
}

export async function findVersion(
  db: Kysely<Schema>,
  { template_version: id }: Pick<JobRow, 'template_version'>,
): Promise<TemplateVersionRow | undefined> {
  if (id === null) return undefined;
  return db.selectFrom('template_versions').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findTemplate(
  db: Kysely<Schema>,
  { template_id: id }: Pick<JobRow, 'template_id'>,
): Promise<TemplateRow | undefined> {
  if (id === null) return undefined;
  return db.selectFrom('templates').selectAll().where('id', '=', id).executeTakeFirst();
}

export function contentOf(origin: Origin): TemplateContent {
  return { ...targetOfRow(origin), defaultInputs: stringMapOf(origin.default_inputs) };
}

const UNENDED = ['pending', 'triggered', 'running'] as const;
/** On PostgreSQL a statement has 6 s. */
const JOBS_PER_STATEMENT = 5_000;

/**
 * For a template that is about to change: its jobs that have not ended keep what it says until then. Triggered and
 * running ones too, since they may return to the queue.
 *
 * The template's row is locked first, as by whoever enqueues: no job is made from the old defaults and sent as the
 * new workflow. Jobs come after templates and before groups in the order in which everybody locks.
 */
export async function keepVersion(tx: WriteTx, template: TemplateRow): Promise<void> {
  const { id: templateId, updated_at } = template;
  await tx.db.updateTable('templates').set({ updated_at }).where('id', '=', templateId).execute();
  const { owner, repo, workflow_id, ref, default_inputs, runners, correlation_input } = template;
  const said = { owner, repo, workflow_id, ref, default_inputs, runners, correlation_input };
  const id = uuidv7(tx.now);
  await tx.db
    .insertInto('template_versions')
    .values({ ...said, id, template_id: templateId, created_at: tx.now })
    .execute();
  const groups = await tx.db
    .selectFrom('job_counts')
    .select('group_id')
    .distinct()
    .where('template_id', '=', templateId)
    .where('state', 'in', UNENDED)
    .where('n', '>', 0)
    .orderBy('group_id')
    .execute();
  for (const { group_id } of groups) await markJobs(tx, { groupId: group_id, templateId, id });
  await dropUnused(tx, templateId);
}

async function markJobs(
  tx: WriteTx,
  { groupId, templateId, id }: { groupId: string; templateId: string; id: string },
): Promise<void> {
  for (const state of UNENDED) {
    for (;;) {
      const { numAffectedRows = 0n } = await sql`
        update jobs set template_version = ${id} where id in (
          select id from jobs
          where group_id = ${groupId} and state = ${sql.lit(state)} and template_id = ${templateId}
            and template_version is null
          limit ${sql.lit(JOBS_PER_STATEMENT)}
        )
      `.execute(tx.db);
      if (numAffectedRows < BigInt(JOBS_PER_STATEMENT)) break;
    }
  }
}

async function dropUnused(tx: WriteTx, templateId: string): Promise<void> {
  await sql`
    delete from template_versions where template_id = ${templateId} and not exists (
      select 1 from jobs where jobs.template_version = template_versions.id and completed_at is null
    )
  `.execute(tx.db);
}

/** How a workflow is sent is no part of what was queued: jobs kept for the same workflow and ref are sent so too. */
export async function sendKeptAs(
  tx: WriteTx,
  template: Omit<Origin, 'default_inputs'> & { readonly id: string },
): Promise<void> {
  const { id, owner, repo, workflow_id, ref, runners, correlation_input } = template;
  await tx.db
    .updateTable('template_versions')
    .set({ runners, correlation_input })
    .where('template_id', '=', id)
    .where('owner', '=', owner)
    .where('repo', '=', repo)
    .where('workflow_id', '=', workflow_id)
    .where('ref', '=', ref)
    .execute();
}

/**
 * The pending job takes its template as it is now. Its own overrides stay, and of its inputs what somebody gave.
 *
 * @returns the job, as it is when there was nothing to take; `undefined`: it is not as `job` says any more
 */
export async function takeTemplate(
  database: Pick<Database, 'forShare'>,
  tx: WriteTx,
  job: JobRow,
  actor: string,
): Promise<JobRow | undefined> {
  const version = await findVersion(tx.db, job);
  if (job.template_version === null) return job;
  // Before the job: see keepVersion.
  const { rows } = await sql<TemplateRow>`
    select * from templates where id = ${job.template_id}${database.forShare}
  `.execute(tx.db);
  const [template] = rows;
  if (template === undefined) return job;
  const change = version && findTemplateChange(jobOf(job), contentOf(version), contentOf(template));
  const taken = await tx.db
    .updateTable('jobs')
    .set({
      template_version: null,
      updated_at: tx.now,
      ...(change === undefined ? {} : { inputs: toJson(change.inputs) }),
    })
    .where('id', '=', job.id)
    .where('state', '=', 'pending')
    .where('template_version', '=', job.template_version)
    .where('inputs', 'is not distinct from', job.inputs)
    .returningAll()
    .executeTakeFirst();
  if (taken !== undefined) emitJob(tx, taken, { kind: 'job.template-taken', actor });
  return taken;
}
