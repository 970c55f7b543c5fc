import type { StampedRun } from '../../domain/stamp-gap.ts';
import type { Database } from '../database.ts';
import type { NamedRun } from '../port/runs.ts';

/** Ids of attempts grow with time, so the latest are read by the primary key: no more of them than `limit`, whatever they are. */
function latestOf({ read }: Database, forgeId: string, limit: number) {
  const latest = read
    .selectFrom('attempts')
    .select(['id', 'forge_id', 'owner', 'repo', 'claimed_at', 'forge_claimed_at'])
    .select(['send_deadline', 'forge_send_deadline', 'forge_uncertainty_ms'])
    .select(['answered_at', 'matched_by', 'run_id', 'run_created_at'])
    .orderBy('id', 'desc')
    .limit(limit);
  return read.selectFrom(latest.as('latest')).selectAll().where('forge_id', '=', forgeId);
}

export async function listStamped(
  database: Database,
  forgeId: string,
  limit: number,
): Promise<StampedRun[]> {
  const rows = await latestOf(database, forgeId, limit)
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
    answeredAt: row.answered_at,
    matchedBy: row.matched_by,
  }));
}

export async function listNamedRuns(
  database: Database,
  forgeId: string,
  limit: number,
): Promise<NamedRun[]> {
  const rows = await latestOf(database, forgeId, limit)
    .where('matched_by', '=', 'reply')
    .where('run_id', 'is not', null)
    .orderBy('id', 'desc')
    .execute();
  return rows.map((row) => ({
    ...{ owner: row.owner, repo: row.repo, runId: row.run_id ?? '' },
    forgeClaimedAt: row.forge_claimed_at,
    forgeSendDeadline: row.forge_send_deadline,
    forgeUncertaintyMs: row.forge_uncertainty_ms,
  }));
}
