/** What one webhook changes. Every change is fenced by what is known already, so a repeated one changes nothing. */
import { sql } from 'kysely';
import type { Attempt } from '../../domain/attempt.ts';
import { SYSTEM_ACTOR } from '../../domain/event.ts';
import { runsOfKey } from '../../domain/run-keys.ts';
import type { WebhookObservation } from '../../domain/webhook.ts';
import type { WriteTx } from '../database.ts';
import { isWatchedRow } from '../moves/attempts.ts';
import type { NewDelivery } from '../port/webhooks.ts';
import { attemptOf } from '../rows.ts';
import { takeDeliveredRun } from '../runs/record.ts';
import type { AttemptRow } from '../schema.ts';
import { closeJobsOf, takeDeliveredJob } from './workflow-job.ts';

/** @returns whether it is settled whose run it is; else an attempt of ours may turn out to have it */
export async function applyObservation(
  tx: WriteTx,
  forgeId: string,
  seen: NewDelivery['observation'],
  lateRunMs: number,
): Promise<boolean> {
  const runId = seen.kind === 'run' ? seen.run.id : seen.job.runId;
  const attempt = await findAttempt(tx, forgeId, runId);
  // Ids are the forge's own: what reports the same one in another repository is wrong about it, or not of this forge.
  if (attempt !== undefined && !isOfRepo(attempt, seen)) return true;
  if (seen.kind === 'workflow-job') await takeDeliveredJob(tx, forgeId, seen, attempt?.id);
  else await takeRun(tx, forgeId, seen, attempt, lateRunMs);
  return attempt !== undefined;
}

type KnownAttempt = Pick<AttemptRow, 'id' | 'owner' | 'repo' | 'ended_at'>;

function isOfRepo(
  attempt: KnownAttempt,
  { owner, repo }: { readonly owner: string; readonly repo: string },
): boolean {
  return isSame(attempt.owner, owner) && isSame(attempt.repo, repo);
}

async function findAttempt(
  { db }: WriteTx,
  forgeId: string,
  runId: string,
): Promise<KnownAttempt | undefined> {
  return db
    .selectFrom('attempts')
    .select(['id', 'owner', 'repo', 'ended_at'])
    .where('forge_id', '=', forgeId)
    .where('run_id', '=', runId)
    .executeTakeFirst();
}

type DeliveredRun = Extract<WebhookObservation, { kind: 'run' }>;

async function takeRun(
  tx: WriteTx,
  forgeId: string,
  delivered: DeliveredRun,
  attempt: KnownAttempt | undefined,
  lateRunMs: number,
): Promise<void> {
  const { run, at } = delivered;
  if (attempt === undefined) {
    if (await isWanted(tx, forgeId, delivered, lateRunMs)) {
      emitForTracker(tx, forgeId, 'webhook.run-unmatched', { runId: run.id });
    }
  } else if (run.attempt > 1) {
    // The first one is over, which nothing has reported.
    const data = { runId: run.id, attemptId: attempt.id };
    if (attempt.ended_at === null) emitForTracker(tx, forgeId, 'webhook.run-again', data);
  } else if (!isEndIncomplete(run)) await takeDeliveredRun(tx, attempt.id, run, at);
  if (run.attempt === 1 && run.status === 'completed') await closeJobsOf(tx, forgeId, delivered);
}

/** Completed, but as what is not told: taken as it is, it would fail a job whose run may have succeeded. A listing tells. */
function isEndIncomplete({ status, conclusion }: DeliveredRun['run']): boolean {
  return status === 'completed' && conclusion === null;
}

/**
 * Some attempt without a run may have started it. Which one is decided by listings, never by one webhook. While one of
 * the key is being sent it most likely is that one's, and its reply is on the way: that costs no listing. Should it
 * be another's, the webhooks of its start and end report again.
 */
async function isWanted(
  tx: WriteTx,
  forgeId: string,
  delivered: DeliveredRun,
  lateRunMs: number,
): Promise<boolean> {
  const { owner, repo, run } = delivered;
  if (run.event !== 'workflow_dispatch') return false;
  const seeking = await listSeeking(tx, forgeId, lateRunMs);
  const fitting = seeking.filter(
    (attempt) =>
      isSame(attempt.owner, owner) &&
      isSame(attempt.repo, repo) &&
      (attempt.actor === '' || isSame(attempt.actor, run.actor)) &&
      (runsOfKey(attempt, [run]).length > 0 || run.name.includes(attempt.id)),
  );
  return fitting.length > 0 && fitting.every(({ state }) => state !== 'claimed');
}

async function listSeeking(
  { db, now }: WriteTx,
  forgeId: string,
  lateRunMs: number,
): Promise<Attempt[]> {
  const seeking = db.selectFrom('attempts').selectAll().where('forge_id', '=', forgeId);
  const live = await seeking
    .where('ended_at', 'is', null)
    // Said so that SQLite does not look among all that ever had no run, the refused ones, too.
    .where(sql<string>`coalesce(run_id, '')`, '=', '')
    .where('state', 'in', ['claimed', 'unknown', 'accepted'])
    .execute();
  const watched = await seeking
    .where(isWatchedRow)
    .where('claimed_at', '>=', now - lateRunMs)
    // By it SQLite chooses the index.
    .orderBy('claimed_at')
    .execute();
  return [...live, ...watched].map(attemptOf);
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Looks for what the webhook has not told. */
function emitForTracker(
  tx: WriteTx,
  forgeId: string,
  kind: 'webhook.run-unmatched' | 'webhook.run-again',
  data: { readonly runId: string; readonly attemptId?: string },
): void {
  tx.emit({
    kind,
    subjectType: 'webhook',
    subjectId: data.runId,
    groupId: null,
    forgeId,
    actor: SYSTEM_ACTOR,
    isAudit: false,
    data,
  });
}
