import { sql } from 'kysely';
import { STAMP_STEP_MS } from '../../domain/stamp-step.ts';
import { chunksOf } from '../chunks.ts';
import type { Database } from '../database.ts';
import type { ObservedUse, RunnerSync, UsedRunner } from '../port/runners.ts';
import type { ListingDifference } from './listing-difference.ts';

/** The last few to start on a runner: those before have ended before. */
const JOBS_READ = 10;
/** After an outage all runners look different; so many tell as well as all. */
const MOST_RUNNERS = 100;
const IDS_PER_STATEMENT = 500;

/**
 * Known runners, online before and now, that others than those who have observed them so far must have taken or left:
 * webhooks report that. Of runners that come or go they do not.
 */
export function observedUseOf(
  { forgeId, sentAt }: RunnerSync,
  lastSentAt: number | null,
  { changed }: ListingDifference,
): ObservedUse | undefined {
  if (lastSentAt === null || lastSentAt >= sentAt) return undefined;
  const runners: UsedRunner[] = [];
  for (const { from, to } of changed) {
    if (from === undefined || from.is_busy === to.is_busy) continue;
    if (from.status !== 'online' || to.status !== 'online') continue;
    const { forge_runner_id: forgeRunnerId, name } = to;
    const deliveredAt = from.observed_at > lastSentAt ? from.observed_at : null;
    runners.push({ forgeRunnerId, name, isBusy: to.is_busy === 1, deliveredAt });
    if (runners.length === MOST_RUNNERS) break;
  }
  if (runners.length === 0) return undefined;
  return { forgeId, since: lastSentAt, until: sentAt, runners };
}

export async function isUseExplained(
  database: Database,
  seen: ObservedUse,
  slackMs: number,
): Promise<boolean> {
  for (const runner of seen.runners) {
    if (!(await isExplained(database, seen, runner, slackMs))) return false;
  }
  return true;
}

/** By a workflow job, or because the forge may not yet have shown what a webhook reported a moment before. */
async function isExplained(
  { read }: Database,
  { forgeId, since, until }: ObservedUse,
  { forgeRunnerId, name, isBusy, deliveredAt }: UsedRunner,
  slackMs: number,
): Promise<boolean> {
  if (deliveredAt !== null && deliveredAt >= until - slackMs) return true;
  const jobs = await read
    .selectFrom('run_workflow_jobs')
    .select(['runner_name', 'started_at', 'completed_at'])
    .where('forge_id', '=', forgeId)
    .where('runner_id', '=', forgeRunnerId)
    .where('started_at', '<=', until + slackMs)
    .orderBy('started_at', 'desc')
    .limit(JOBS_READ)
    .execute();
  const otherwiseAt = deliveredAt ?? since;
  const earliest = otherwiseAt - STAMP_STEP_MS - (deliveredAt === null ? slackMs : 0);
  const isSince = (at: number | null): boolean =>
    at !== null && at >= earliest && at <= until + slackMs;
  return jobs.some(({ runner_name: on, started_at: startedAt, completed_at: endedAt }) => {
    if (!['', name].includes(on)) return false;
    const isOnUntil = endedAt === null || endedAt >= until - slackMs - STAMP_STEP_MS;
    // It was taken already then: by one that had started.
    const wasOnBefore = startedAt !== null && startedAt <= otherwiseAt + slackMs;
    return isBusy ? isSince(startedAt) && isOnUntil : isSince(endedAt) && wasOnBefore;
  });
}

export async function areBusyWithEnded(
  { read }: Database,
  attemptIds: readonly string[],
): Promise<boolean> {
  for (const ids of chunksOf(attemptIds, IDS_PER_STATEMENT)) {
    const { rows } = await sql`
      select 1 from attempts a
      join run_workflow_jobs w on w.forge_id = a.forge_id and w.run_id = a.run_id
        and w.run_attempt = 1 and w.status = 'in_progress'
      join runners r on r.forge_id = w.forge_id
        and r.forge_runner_id = w.runner_id and r.name = w.runner_name
      join runner_scopes s on s.forge_id = r.forge_id and s.scope = r.scope
      where a.id in (${sql.join(ids)}) and a.run_status = 'completed'
        and r.is_busy = 1 and r.observed_at <= a.run_observed_at
        and (s.pass_sent_at is null or s.pass_sent_at <= a.run_observed_at)
      limit 1
    `.execute(read);
    if (rows.length > 0) return true;
  }
  return false;
}
