/**
 * What workflow jobs report of their runners, sooner than a listing does: busy or free as of a moment, unless a listing
 * sent later says otherwise.
 *
 * Of the same moment the listing wins, whichever comes first; `compareWithListing` keeps to the same rule. A listing is
 * made after it was sent, so it shows what had happened by then. Should it lag all the same, the mistake is a small
 * one: a runner that is taken for free costs one run that waits for it a little, one that is taken for busy idles
 * until the next listing. To believe the workflow job could be a lasting one: the row would differ from a listing that
 * counts as newer, and as long as the forge answers "unchanged" nobody would look at it again.
 */
import type { WorkflowJob } from '../../domain/attempt.ts';
import { scopeCovers } from '../../domain/runner.ts';
import { type RunnerUse, runnerUseOf, type TakenJob } from '../../domain/webhook.ts';
import type { WriteTx } from '../database.ts';
import { toBool } from '../rows.ts';
import type { RunnerRow } from '../schema.ts';
import { emitChanged, type ShownRunner } from './events.ts';

/** A workflow job as it was told or found, and the repository of its run. */
export interface SeenJob {
  readonly owner: string;
  readonly repo: string;
  readonly job: Pick<WorkflowJob, 'runId' | 'runnerId' | 'runnerName'>;
}

type KnownRunner = ShownRunner &
  Pick<RunnerRow, 'id' | 'scope' | 'forge_runner_id' | 'is_ephemeral'>;

/**
 * Makes the runner of a workflow job busy or free, as all stored workflow jobs on it tell: so an end that is known
 * already outweighs a look that was sent before it. One without a runner changes nothing.
 */
export async function showRunnerUse(tx: WriteTx, forgeId: string, seen: SeenJob): Promise<void> {
  const runner = await findRunner(tx, forgeId, seen);
  if (runner === undefined) return;
  const use = runnerUseOf(await listOnRunner(tx, forgeId, runner));
  // Done with its one job it leaves; a listing will show it gone.
  if (use === undefined || (!use.isBusy && runner.is_ephemeral === 1)) return;
  await lockScope(tx, forgeId, runner.scope);
  if (!(await markUse(tx, runner.id, use))) return;
  const { id, scope } = runner;
  const { runId } = seen.job;
  // Marked only if it was otherwise, whatever it was when it was read.
  const from = { ...runner, is_busy: toBool(!use.isBusy) };
  const to = { ...runner, is_busy: toBool(use.isBusy) };
  emitChanged(tx, { id, forgeId, scope, from, to, runId });
}

/** One in a scope that is listed no more is nobody's to use. */
async function findRunner(
  { db }: WriteTx,
  forgeId: string,
  { owner, repo, job }: SeenJob,
): Promise<KnownRunner | undefined> {
  if (job.runnerId === null) return undefined;
  const runners = await db
    .selectFrom('runners')
    .select(['id', 'scope', 'forge_runner_id', 'name', 'labels', 'status', 'is_busy'])
    .select('is_ephemeral')
    .where('forge_id', '=', forgeId)
    .where('scope', 'in', (eb) =>
      eb.selectFrom('runner_scopes').select('scope').where('forge_id', '=', forgeId),
    )
    .where('forge_runner_id', '=', job.runnerId)
    .execute();
  // Ids are unique per scope only.
  return runners.find(
    ({ scope, name }) =>
      scopeCovers(scope, owner, repo) && (job.runnerName === '' || name === job.runnerName),
  );
}

/** The last few to start, of all owners: of those before nothing depends any more. */
const JOBS_READ = 30;

async function listOnRunner(
  { db }: WriteTx,
  forgeId: string,
  { forge_runner_id, name, scope }: KnownRunner,
): Promise<TakenJob[]> {
  const rows = await db
    .selectFrom('run_workflow_jobs')
    .select(['owner', 'repo', 'status', 'started_at', 'completed_at', 'observed_at'])
    .where('forge_id', '=', forgeId)
    .where('runner_id', '=', forge_runner_id)
    .where('runner_name', 'in', [name, ''])
    .where('started_at', 'is not', null)
    .orderBy('started_at', 'desc')
    .limit(JOBS_READ)
    .execute();
  // Another owner's runner may have the same id and name.
  const here = rows.filter(({ owner, repo }) => scopeCovers(scope, owner, repo));
  return here.map((row) => ({
    status: row.status,
    startedAt: row.started_at,
    completedAt: row.completed_at,
    observedAt: row.observed_at,
  }));
}

/**
 * On PostgreSQL a listing and a use that are stored at the same time would not see each other: the listing would count as
 * newer and its ETags vouch for a row that it never saw. On SQLite there is one writer anyway.
 */
export async function lockScope({ db }: WriteTx, forgeId: string, scope: string): Promise<void> {
  await db
    .updateTable('runner_scopes')
    .set((eb) => ({ scope: eb.ref('scope') }))
    .where('forge_id', '=', forgeId)
    .where('scope', '=', scope)
    .execute();
}

/**
 * Runners that look as before are not written by a listing: its scope tells when it was sent. An earlier use of the same
 * moment gives way: this one weighs all that are known.
 */
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
            .where('runner_scopes.pass_sent_at', '>=', at),
        ),
      ),
    )
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
