/** One workflow job that a webhook reported: a part of a run of ours, or somebody else's work on a runner. */
import { sql } from 'kysely';
import { isFurther, type WebhookObservation } from '../../domain/webhook.ts';
import type { WriteTx } from '../database.ts';
import { workflowJobOf } from '../rows.ts';
import { showRunnerUse } from '../runners/use.ts';
import { rowOfJob, takeJobs } from '../runs/workflow-jobs.ts';
import type { WorkflowJobRow } from '../schema.ts';

type DeliveredJob = Extract<WebhookObservation, { kind: 'workflow-job' }>;

/** @param attemptId of the attempt that has the run; `undefined`: none has, as far as we know */
export async function takeDeliveredJob(
  tx: WriteTx,
  forgeId: string,
  delivered: DeliveredJob,
  attemptId: string | undefined,
): Promise<void> {
  const { owner, repo, job, at } = delivered;
  const isOurs = attemptId !== undefined && job.runAttempt === 1;
  if (isOurs) await takeOurs(tx, forgeId, delivered, attemptId);
  // Nobody asks about a part of another run that has no runner.
  else if (job.runnerId !== null && isNews(await findJob(tx, forgeId, job.id), delivered)) {
    await storeJob(tx, { ...rowOfJob({ forgeId, owner, repo }, job, at), is_owned: 0 });
  }
  await showRunnerUse(tx, forgeId, delivered);
}

async function takeOurs(
  tx: WriteTx,
  forgeId: string,
  delivered: DeliveredJob,
  attemptId: string,
): Promise<void> {
  const { owner, repo, job, at } = delivered;
  const rows = await listOfRun(tx, forgeId, job.runId);
  const known = rows.find((row) => row.id === job.id);
  const isToStore = isNews(known, delivered);
  const others = rows.filter((row) => !isToStore || row !== known).map(workflowJobOf);
  const jobs = isToStore ? [...others, job] : others;
  await takeJobs(tx, attemptId, jobs, async () => {
    if (isToStore)
      await storeJob(tx, { ...rowOfJob({ forgeId, owner, repo }, job, at), is_owned: 1 });
  });
}

function isNews(known: WorkflowJobRow | undefined, { job, at }: DeliveredJob): boolean {
  if (known === undefined) return true;
  // Told before anybody knew that the run was ours.
  if (known.is_owned === 0 && known.status === job.status) return true;
  const before = { status: known.status, at: known.observed_at };
  return isFurther(before, { status: job.status, at });
}

async function findJob(
  { db }: WriteTx,
  forgeId: string,
  id: string,
): Promise<WorkflowJobRow | undefined> {
  return db
    .selectFrom('run_workflow_jobs')
    .selectAll()
    .where('forge_id', '=', forgeId)
    .where('id', '=', id)
    .executeTakeFirst();
}

async function listOfRun(
  { db }: WriteTx,
  forgeId: string,
  runId: string,
): Promise<WorkflowJobRow[]> {
  return db
    .selectFrom('run_workflow_jobs')
    .selectAll()
    .where('forge_id', '=', forgeId)
    .where('run_id', '=', runId)
    .where('run_attempt', '=', 1)
    .execute();
}

/** A poll may have seen its end meanwhile: that stays. */
async function storeJob({ db }: WriteTx, row: WorkflowJobRow): Promise<void> {
  const { forge_id: _forge, id: _id, ...fields } = row;
  await db
    .insertInto('run_workflow_jobs')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(['forge_id', 'id'])
        .doUpdateSet(fields)
        .where((eb) =>
          eb.or([
            eb('run_workflow_jobs.status', '<>', 'completed'),
            eb(sql`excluded.status`, '=', 'completed'),
          ]),
        ),
    )
    .execute();
}

/**
 * The run is over, and with it all its parts, told or not: their runners are free. The ends that are told later say
 * the same again.
 */
export async function closeJobsOf(
  tx: WriteTx,
  forgeId: string,
  { owner, repo, run, at }: Extract<WebhookObservation, { kind: 'run' }>,
): Promise<void> {
  const open = (await listOfRun(tx, forgeId, run.id)).filter((row) => row.status !== 'completed');
  for (const row of open) {
    const closed = { ...row, status: 'completed', completed_at: run.updatedAt, observed_at: at };
    await storeJob(tx, closed);
    await showRunnerUse(tx, forgeId, { owner, repo, job: workflowJobOf(closed) });
  }
}
