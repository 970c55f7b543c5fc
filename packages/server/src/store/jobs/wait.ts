import type { Kysely } from 'kysely';
import type { Attempt, WorkflowJob } from '../../domain/attempt.ts';
import { type Doubt, findDoubt } from '../../domain/doubt.ts';
import type { DispatchTarget } from '../../domain/job.ts';
import { findTemplateChange } from '../../domain/template-change.ts';
import { contentOf, findOrigin, findTemplate, findVersion } from '../catalog/template-versions.ts';
import type { Database } from '../database.ts';
import { hashOf } from '../dispatch/inputs.ts';
import { planOf } from '../dispatch/plans.ts';
import { findBlock } from '../dispatch/targets.ts';
import { selectGroups } from '../groups-select.ts';
import type { WaitFacts } from '../port/jobs.ts';
import { attemptOf, groupOf, jobOf, stringMapOf, targetOfJob, workflowJobOf } from '../rows.ts';
import { listOpenDoubts } from '../runs/doubts.ts';
import { isKnownUnnamed } from '../runs/naming.ts';
import type { JobRow, Schema } from '../schema.ts';
import { countAhead } from './queue-place.ts';

export async function findWaitFacts(
  database: Database,
  id: string,
): Promise<WaitFacts | undefined> {
  return database.snapshot(async (db) => {
    const row = await db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) return undefined;
    const attempt = await findAttempt(db, row);
    const target = targetOfJob(row, await findOrigin(db, row));
    return {
      templateChange: await findChange(db, row),
      job: jobOf(row),
      target,
      ...(await findGroupAndPlan(db, row.group_id)),
      attempt,
      block: await findBlock(db, row.forge_id, target),
      doubt: row.state === 'pending' ? await findDoubtOf(db, row, target) : undefined,
      ahead: row.state === 'pending' ? await countAhead(db, row) : 0,
      workflowJobs: await listWorkflowJobs(db, attempt),
      listings: await listListings(db, row.forge_id),
    };
  });
}

/** What was sent before with other inputs, and whose run is not known yet. */
async function findDoubtOf(
  db: Kysely<Schema>,
  job: JobRow,
  target: DispatchTarget,
): Promise<Doubt | undefined> {
  const input = (await findOrigin(db, job))?.correlation_input ?? null;
  const isNamed = input !== null && !(await isKnownUnnamed(db, job.forge_id, target, input));
  if (isNamed) return undefined;
  const inputsHash = hashOf(stringMapOf(job.inputs), input);
  return findDoubt(await listOpenDoubts(db, job.forge_id), { ...target, isNamed, inputsHash });
}

async function listListings(db: Kysely<Schema>, forgeId: string): Promise<WaitFacts['listings']> {
  const rows = await db
    .selectFrom('runner_scopes')
    .select(['scope', 'pass_at', 'error'])
    .where('forge_id', '=', forgeId)
    .orderBy('scope')
    .execute();
  return rows.map(({ scope, pass_at, error }) => ({ scope, error, isListed: pass_at !== null }));
}

async function findAttempt(db: Kysely<Schema>, job: JobRow): Promise<Attempt | undefined> {
  if (job.attempt_id === null) return undefined;
  const row = await db
    .selectFrom('attempts')
    .selectAll()
    .where('id', '=', job.attempt_id)
    .executeTakeFirst();
  return row === undefined ? undefined : attemptOf(row);
}

async function findChange(db: Kysely<Schema>, job: JobRow): Promise<WaitFacts['templateChange']> {
  if (job.state !== 'pending') return undefined;
  const version = await findVersion(db, job);
  const template = await findTemplate(db, job);
  if (version === undefined || template === undefined) return undefined;
  return findTemplateChange(jobOf(job), contentOf(version), contentOf(template));
}

async function findGroupAndPlan(
  db: Kysely<Schema>,
  groupId: string,
): Promise<Pick<WaitFacts, 'group' | 'plan'>> {
  const group = await selectGroups(db).where('g.id', '=', groupId).executeTakeFirstOrThrow();
  const planned = await db
    .selectFrom('group_plans')
    .select('plan')
    .where('group_id', '=', groupId)
    .executeTakeFirst();
  return { group: groupOf(group), plan: planned === undefined ? undefined : planOf(planned.plan) };
}

async function listWorkflowJobs(
  db: Kysely<Schema>,
  attempt: Attempt | undefined,
): Promise<WorkflowJob[]> {
  if (attempt === undefined || attempt.runId === null) return [];
  const rows = await db
    .selectFrom('run_workflow_jobs')
    .selectAll()
    .where('forge_id', '=', attempt.forgeId)
    .where('run_id', '=', attempt.runId)
    .where('run_attempt', '=', 1)
    .orderBy('id')
    .execute();
  return rows.map(workflowJobOf);
}
