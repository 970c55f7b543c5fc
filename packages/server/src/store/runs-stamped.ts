import type { StampedRun } from '../domain/stamp-gap.ts';
import type { Database } from './database.ts';

/** Ids of attempts grow with time, so the latest are read by the primary key: no more of them than `limit`, whatever they are. */
export async function listStamped(
  { read }: Database,
  forgeId: string,
  limit: number,
): Promise<StampedRun[]> {
  const latest = read
    .selectFrom('attempts')
    .select(['forge_id', 'claimed_at', 'forge_claimed_at', 'send_deadline', 'forge_send_deadline'])
    .select(['matched_by', 'run_id', 'run_created_at'])
    .orderBy('id', 'desc')
    .limit(limit);
  const rows = await read
    .selectFrom(latest.as('latest'))
    .selectAll()
    .where('forge_id', '=', forgeId)
    .where('matched_by', 'in', ['reply', 'input'])
    .where('run_created_at', 'is not', null)
    .execute();
  return rows.map((row) => ({
    runId: row.run_id ?? '',
    runCreatedAt: row.run_created_at ?? 0,
    claimedAt: row.claimed_at,
    forgeClaimedAt: row.forge_claimed_at,
    sendDeadline: row.send_deadline,
    forgeSendDeadline: row.forge_send_deadline,
    matchedBy: row.matched_by,
  }));
}
