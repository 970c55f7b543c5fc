/** What another token met says nothing of a new one. */
import { type SqlBool, sql } from 'kysely';
import type { WriteTx } from '../database.ts';

/**
 * Workflows that failed, by a limit perhaps, are probed now, and so are repositories without access. Their failures still count,
 * so that the probes yield and take turns. A workflow that is disabled or not found, an archived repository and a wrong template
 * are so for every token. Jobs that were put off when they were refused go; those that wait for their requeue do not.
 */
export async function releaseForToken({ db, now }: WriteTx, forgeId: string): Promise<void> {
  await db
    .updateTable('target_blocks')
    .set({ next_probe_at: now })
    .where('forge_id', '=', forgeId)
    .where('kind', 'in', ['failing', 'no-access'])
    .where('next_probe_at', '>', now)
    .execute();
  // A requeue is a job of its own, which has no attempt yet.
  const wasRefused = sql<SqlBool>`exists (
    select 1 from attempts a where a.job_id = jobs.id and a.state = 'refused'
  )`;
  await db
    .updateTable('jobs')
    .set({ not_before: null })
    .where('forge_id', '=', forgeId)
    .where('state', '=', 'pending')
    .where('not_before', '>', now)
    .where(wasRefused)
    .execute();
}
