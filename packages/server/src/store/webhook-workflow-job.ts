/** One workflow job that a webhook told of: a part of a run of ours, or somebody else's work on a runner. */
import { sql } from 'kysely';
import { SYSTEM_ACTOR } from '../domain/event.ts';
import { scopeCovers } from '../domain/runner.ts';
import {
  isFurther,
  type RunnerUse,
  runnerUseOf,
  type TakenJob,
  type WebhookObservation,
} from '../domain/webhook.ts';
import type { WriteTx } from './database.ts';
import { toBool, workflowJobOf } from './rows.ts';
import { rowOfJob, takeJobs } from './runs-workflow-jobs.ts';
import type { Bool, WorkflowJobRow } from './schema.ts';

type ToldJob = Extract<WebhookObservation, { kind: 'workflow-job' }>;

/** @param attemptId of the attempt that has the run; `undefined`: none has, as far as we know */
export async function takeToldJob(
  tx: WriteTx,
  forgeId: string,
  told: ToldJob,
  attemptId: string | undefined,
): Promise<void> {
  const { job, at } = told;
  const isOurs = attemptId !== undefined && job.runAttempt === 1;
  if (isOurs) await takeOurs(tx, forgeId, told, attemptId);
  // Nobody asks about a part of another run that has no runner.
  else if (job.runnerId !== null && isNews(await findJob(tx, forgeId, job.id), told)) {
    await storeJob(tx, { ...rowOfJob(forgeId, job, at), is_owned: 0 });
  }
  if (job.runnerId !== null) await showUse(tx, forgeId, told, job.runnerId);
}

async function takeOurs(
  tx: WriteTx,
  forgeId: string,
  told: ToldJob,
  attemptId: string,
): Promise<void> {
  const { job, at } = told;
  const rows = await listOfRun(tx, forgeId, job.runId);
  const known = rows.find((row) => row.id === job.id);
  const isToStore = isNews(known, told);
  const others = rows.filter((row) => !isToStore || row !== known).map(workflowJobOf);
  const jobs = isToStore ? [...others, job] : others;
  await takeJobs(tx, attemptId, jobs, async () => {
    if (isToStore) await storeJob(tx, { ...rowOfJob(forgeId, job, at), is_owned: 1 });
  });
}

function isNews(known: WorkflowJobRow | undefined, { job, at }: ToldJob): boolean {
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
    if (row.runner_id === null) continue;
    const job = workflowJobOf(closed);
    await showUse(tx, forgeId, { kind: 'workflow-job', owner, repo, job, at }, row.runner_id);
  }
}

interface KnownRunner {
  readonly id: string;
  readonly scope: string;
  readonly name: string;
  readonly is_ephemeral: Bool;
}

/** Makes the runner busy or free, unless a listing sent later, or another workflow job, says otherwise. */
async function showUse(
  tx: WriteTx,
  forgeId: string,
  told: ToldJob,
  forgeRunnerId: string,
): Promise<void> {
  const runner = await findRunner(tx, forgeId, told, forgeRunnerId);
  if (runner === undefined) return;
  const use = runnerUseOf(await listOnRunner(tx, forgeId, forgeRunnerId, runner.name));
  // Done with its one job it leaves; a listing will show it gone.
  if (use === undefined || (!use.isBusy && runner.is_ephemeral === 1)) return;
  if (await markUse(tx, runner.id, use)) tellUse(tx, forgeId, runner, use, told.job.runId);
}

async function findRunner(
  { db }: WriteTx,
  forgeId: string,
  { owner, repo, job }: ToldJob,
  forgeRunnerId: string,
): Promise<KnownRunner | undefined> {
  const runners = await db
    .selectFrom('runners')
    .select(['id', 'scope', 'name', 'is_ephemeral'])
    .where('forge_id', '=', forgeId)
    .where('forge_runner_id', '=', forgeRunnerId)
    .execute();
  // Ids are unique per scope only.
  return runners.find(
    ({ scope, name }) =>
      scopeCovers(scope, owner, repo) && (job.runnerName === '' || name === job.runnerName),
  );
}

/** The last few to start: of those before nothing depends any more. */
const JOBS_LOOKED_AT = 10;

async function listOnRunner(
  { db }: WriteTx,
  forgeId: string,
  forgeRunnerId: string,
  name: string,
): Promise<TakenJob[]> {
  const rows = await db
    .selectFrom('run_workflow_jobs')
    .select(['status', 'started_at', 'completed_at', 'observed_at'])
    .where('forge_id', '=', forgeId)
    .where('runner_id', '=', forgeRunnerId)
    .where('runner_name', '=', name)
    .where('started_at', 'is not', null)
    .orderBy('started_at', 'desc')
    .limit(JOBS_LOOKED_AT)
    .execute();
  return rows.map((row) => ({
    status: row.status,
    startedAt: row.started_at,
    completedAt: row.completed_at,
    observedAt: row.observed_at,
  }));
}

/** Runners that look as before are not written by a pass: its scope tells when it was sent. */
async function markUse(tx: WriteTx, id: string, { isBusy, at }: RunnerUse): Promise<boolean> {
  const { numUpdatedRows } = await tx.db
    .updateTable('runners')
    .set({ is_busy: toBool(isBusy), observed_at: at, updated_at: tx.now })
    .where('id', '=', id)
    .where('is_busy', '=', toBool(!isBusy))
    .where('observed_at', '<=', at)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('runner_scopes')
            .select('runner_scopes.scope')
            .whereRef('runner_scopes.forge_id', '=', 'runners.forge_id')
            .whereRef('runner_scopes.scope', '=', 'runners.scope')
            .where('runner_scopes.pass_sent_at', '>', at),
        ),
      ),
    )
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

function tellUse(
  tx: WriteTx,
  forgeId: string,
  { id, scope, name }: KnownRunner,
  { isBusy }: RunnerUse,
  runId: string,
): void {
  tx.emit({
    kind: 'runner.changed',
    subjectType: 'runner',
    subjectId: id,
    groupId: null,
    forgeId,
    actor: SYSTEM_ACTOR,
    isAudit: false,
    data: { scope, name, isBusy, runId },
  });
}
