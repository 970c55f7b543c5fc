/** What retention deletes: jobs that have ended, then the attempts of jobs that are gone. */
import { sql } from 'kysely';
import { SYSTEM_ACTOR } from '../../domain/event.ts';
import type { Database, WriteTx } from '../database.ts';

/** Skips a job that somebody is deleting at this moment. */
export async function deleteEndedJobs(
  tx: WriteTx,
  { forUpdateSkipLocked }: Database,
  before: number,
  batch: number,
): Promise<number> {
  const old = sql<string>`(
    select id from jobs where completed_at is not null and completed_at < ${before}
    order by completed_at limit ${batch}${forUpdateSkipLocked}
  )`;
  const deleted = await tx.db
    .deleteFrom('jobs')
    .where('id', 'in', old)
    .returning(['id', 'forge_id', 'group_id', 'template_id', 'state'])
    .execute();
  for (const job of deleted) {
    const { group_id: groupId, template_id: templateId, state } = job;
    tx.count({ groupId, templateId, state }, -1);
    tx.emit({
      kind: 'job.deleted',
      subjectType: 'job',
      subjectId: job.id,
      groupId,
      forgeId: job.forge_id,
      actor: SYSTEM_ACTOR,
      isAudit: false,
      data: { from: state, why: 'retention' },
    });
  }
  return deleted.length;
}

/**
 * Attempts of jobs that are gone. Looked for only among those older than the oldest ended job that is still there:
 * younger ones nearly all have their job, and reading on through a month of them would find next to nothing.
 */
export async function deleteAttempts(
  tx: WriteTx,
  endedBefore: number,
  batch: number,
): Promise<number> {
  const { db } = tx;
  const oldest = await db
    .selectFrom('jobs')
    .select('completed_at')
    .where('completed_at', 'is not', null)
    .orderBy('completed_at')
    .limit(1)
    .executeTakeFirst();
  const before = Math.min(endedBefore, oldest?.completed_at ?? endedBefore);
  const deleted = await db
    .deleteFrom('attempts')
    .where('id', 'in', (query) =>
      query
        .selectFrom('attempts as old')
        .select('old.id')
        .where('old.ended_at', 'is not', null)
        .where('old.ended_at', '<', before)
        .where((is) =>
          is.not(
            is.exists(
              is.selectFrom('jobs').select('jobs.id').whereRef('jobs.id', '=', 'old.job_id'),
            ),
          ),
        )
        .orderBy('old.ended_at')
        .limit(batch),
    )
    .returning(['forge_id', 'run_id'])
    .execute();
  for (const { forge_id, run_id } of deleted) {
    if (run_id === null) continue;
    await db
      .deleteFrom('run_workflow_jobs')
      .where('forge_id', '=', forge_id)
      .where('run_id', '=', run_id)
      .execute();
  }
  return deleted.length;
}
