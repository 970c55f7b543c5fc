/** When a job goes again whose own sending failed: behind the others of its workflow, where there are any that can go. */
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { LONGEST_BACKOFF_MS } from '../../domain/job.ts';
import type { WriteTx } from '../database.ts';
import type { RefusedOutcome } from '../port/dispatch.ts';
import type { AttemptRow, JobRow } from '../schema.ts';
import type { FailingBlock } from './verdicts.ts';

/**
 * Something before the forge may refuse what is in this job alone. Were it the probe each time, as the first in the queue, it
 * would keep all others of its workflow waiting for ever: where one of these can take the next probe, it comes back after
 * that. Where none can it is the next probe itself.
 *
 * @param failing the block of its workflow; `null`: the failure says nothing of this job
 */
export async function returnAt(
  tx: WriteTx,
  attempt: AttemptRow,
  job: JobRow,
  { notBefore, pauses }: RefusedOutcome,
  failing: FailingBlock | null,
): Promise<number | null> {
  if (failing === null) return notBefore;
  const { nextProbeAt, since } = failing;
  if (!(await mayAnotherGo(tx, attempt, job, nextProbeAt))) return notBefore;
  const failures = await countFailures(tx, job.id, since);
  const laterMs = (pauses.longestFailureMs / 4) * 2 ** Math.max(0, failures - 1);
  return nextProbeAt + Math.min(laterMs, LONGEST_BACKOFF_MS);
}

/** Counted from what is counted anyway: of the many that may be pending only those put off are read, and the index of the rest. */
async function mayAnotherGo(
  { db }: WriteTx,
  attempt: AttemptRow,
  { group_id, template_id }: JobRow,
  at: number,
): Promise<boolean> {
  const { forge_id, owner, repo, workflow_id } = attempt;
  const ofWorkflow = (templateId: RawBuilder<unknown>, groupId: RawBuilder<unknown>) =>
    template_id === null
      ? sql`coalesce(${templateId}, '') = '' and ${groupId} = ${group_id}`
      : sql`exists (
          select 1 from templates t where t.id = ${templateId}
            and t.owner = ${owner} and t.repo = ${repo} and t.workflow_id = ${workflow_id}
        )`;
  const openGroup = sql`g.forge_id = ${forge_id} and g.is_enabled = 1 and g.is_paused = 0`;
  const jobsThat = (stay: RawBuilder<SqlBool>) => sql<number>`(
    select count(*) from groups g join jobs j on j.group_id = g.id
    where ${openGroup} and j.state = 'pending' and ${stay}
      and ${ofWorkflow(sql`j.template_id`, sql`j.group_id`)}
  )`;
  const { rows } = await sql<{ pending: number; paused: number; later: number }>`select
    (
      select cast(coalesce(sum(c.n), 0) as bigint) from groups g
      join job_counts c on c.group_id = g.id and c.state = 'pending'
      where ${openGroup} and ${ofWorkflow(sql`c.template_id`, sql`c.group_id`)}
    ) as pending,
    ${jobsThat(sql`j.is_paused = 1`)} as paused,
    ${jobsThat(sql`j.is_paused = 0 and j.forge_id = ${forge_id} and j.not_before > ${at}`)} as later
  `.execute(db);
  const [counted] = rows;
  return counted !== undefined && counted.pending > counted.paused + counted.later;
}

/** Since its workflow began to fail: what an outage did to it before says nothing of its inputs. */
async function countFailures({ db }: WriteTx, jobId: string, since: number): Promise<number> {
  const { failures } = await db
    .selectFrom('attempts')
    .select((eb) => eb.fn.countAll<number>().as('failures'))
    .where('job_id', '=', jobId)
    .where('state', '=', 'refused')
    .where('claimed_at', '>=', since)
    .executeTakeFirstOrThrow();
  return failures;
}
