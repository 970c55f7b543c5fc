/** Attempts whose run is surely their own, by which forges and their listings are measured. */
import { type SqlBool, sql } from 'kysely';
import type { StampedRun } from '../../domain/stamp-gap.ts';
import type { Database } from '../database.ts';
import type { NamedRun, NamedRunsAsked } from '../port/runs.ts';

/** By the index `attempts_stamped`, whose condition it is word for word: attempts without such a run take no place of the limit. */
export async function listStamped(
  { read }: Database,
  forgeId: string,
  limit: number,
): Promise<StampedRun[]> {
  const rows = await read
    .selectFrom('attempts')
    .select(['claimed_at', 'forge_claimed_at', 'send_deadline', 'forge_send_deadline'])
    .select(['answered_at', 'matched_by', 'run_id', 'run_created_at'])
    .where('forge_id', '=', forgeId)
    .where(
      sql<SqlBool>`(matched_by in ('reply', 'input') or (matched_by = 'order' and state = 'accepted')) and run_created_at is not null`,
    )
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    runId: row.run_id ?? '',
    runCreatedAt: row.run_created_at ?? 0,
    claimedAt: row.claimed_at,
    forgeClaimedAt: row.forge_claimed_at,
    sendDeadline: row.send_deadline,
    forgeSendDeadline: row.forge_send_deadline,
    answeredAt: row.answered_at,
    matchedBy: row.matched_by,
  }));
}

/** By the index `attempts_named_by_reply`. */
export async function listNamedRuns(
  { read }: Database,
  { forgeId, owner, repo, claimedSince, claimedUntil, limit }: NamedRunsAsked,
): Promise<NamedRun[]> {
  const rows = await read
    .selectFrom('attempts')
    .select(['owner', 'repo', 'run_id', 'forge_claimed_at'])
    .select(['forge_send_deadline', 'forge_uncertainty_ms', 'ended_at'])
    .where('forge_id', '=', forgeId)
    .where(sql<SqlBool>`lower(owner) = ${owner.toLowerCase()}`)
    .where(sql<SqlBool>`lower(repo) = ${repo.toLowerCase()}`)
    .where('forge_claimed_at', '>=', claimedSince)
    .where('forge_claimed_at', '<=', claimedUntil)
    .where(sql<SqlBool>`matched_by = 'reply' and run_id is not null`)
    .orderBy('forge_claimed_at', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    ...{ owner: row.owner, repo: row.repo, runId: row.run_id ?? '' },
    isLive: row.ended_at === null,
    forgeClaimedAt: row.forge_claimed_at,
    forgeSendDeadline: row.forge_send_deadline,
    forgeUncertaintyMs: row.forge_uncertainty_ms,
  }));
}
