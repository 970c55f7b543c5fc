/** What one webhook changes. Every change is fenced by what is known already, so a repeated one changes nothing. */
import { type SqlBool, sql } from 'kysely';
import type { Attempt } from '../domain/attempt.ts';
import { SYSTEM_ACTOR } from '../domain/event.ts';
import { runsOfKey } from '../domain/run-keys.ts';
import type { WebhookObservation } from '../domain/webhook.ts';
import type { WriteTx } from './database.ts';
import type { NewDelivery } from './port/webhooks.ts';
import { attemptOf } from './rows.ts';
import { takeToldRun } from './runs-record.ts';
import { closeJobsOf, takeToldJob } from './webhook-workflow-job.ts';

/** @returns whether an attempt of ours has the run */
export async function applyObservation(
  tx: WriteTx,
  forgeId: string,
  seen: NewDelivery['observation'],
  watchAbsentMs: number,
): Promise<boolean> {
  const runId = seen.kind === 'run' ? seen.run.id : seen.job.runId;
  const attemptId = await findAttempt(tx, forgeId, runId);
  if (seen.kind === 'workflow-job') await takeToldJob(tx, forgeId, seen, attemptId);
  else await takeRun(tx, forgeId, seen, attemptId, watchAbsentMs);
  return attemptId !== undefined;
}

async function findAttempt(
  { db }: WriteTx,
  forgeId: string,
  runId: string,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('attempts')
    .select('id')
    .where('forge_id', '=', forgeId)
    .where('run_id', '=', runId)
    .executeTakeFirst();
  return row?.id;
}

type ToldRun = Extract<WebhookObservation, { kind: 'run' }>;

async function takeRun(
  tx: WriteTx,
  forgeId: string,
  told: ToldRun,
  attemptId: string | undefined,
  watchAbsentMs: number,
): Promise<void> {
  const { run, at } = told;
  if (attemptId === undefined) {
    if (await isWanted(tx, forgeId, told, watchAbsentMs)) tellUnmatched(tx, forgeId, told);
  } else if (!isEndHalfTold(run)) await takeToldRun(tx, attemptId, run, at);
  if (run.attempt === 1 && run.status === 'completed') await closeJobsOf(tx, forgeId, told);
}

/** Completed, but as what is not told: taken as it is, it would fail a job whose run may have succeeded. A listing tells. */
function isEndHalfTold({ status, conclusion }: ToldRun['run']): boolean {
  return status === 'completed' && conclusion === null;
}

/**
 * Some attempt without a run may have started it. Which one is decided by listings, never by one webhook. While one of
 * the key is being sent it most likely is that one's, and its reply is on the way: that costs no listing. Should it
 * be another's, the webhooks of its start and end tell again.
 */
async function isWanted(
  tx: WriteTx,
  forgeId: string,
  told: ToldRun,
  watchAbsentMs: number,
): Promise<boolean> {
  const { owner, repo, run } = told;
  if (run.event !== 'workflow_dispatch') return false;
  const seeking = await listSeeking(tx, forgeId, watchAbsentMs);
  const fitting = seeking.filter(
    (attempt) =>
      isSame(attempt.owner, owner) &&
      isSame(attempt.repo, repo) &&
      (attempt.actor === '' || isSame(attempt.actor, run.actor)) &&
      runsOfKey(attempt, [run]).length > 0,
  );
  return fitting.length > 0 && fitting.every(({ state }) => state !== 'claimed');
}

async function listSeeking(
  { db, now }: WriteTx,
  forgeId: string,
  watchAbsentMs: number,
): Promise<Attempt[]> {
  const seeking = db
    .selectFrom('attempts')
    .selectAll()
    .where('forge_id', '=', forgeId)
    .where('run_id', 'is', null);
  const live = await seeking
    .where('ended_at', 'is', null)
    .where('state', 'in', ['claimed', 'unknown', 'accepted'])
    .execute();
  const absent = await seeking
    // Word for word the condition of the index `attempts_absent`.
    .where(sql<SqlBool>`state = 'absent'`)
    .where('claimed_at', '>=', now - watchAbsentMs)
    .execute();
  return [...live, ...absent].map(attemptOf);
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function tellUnmatched(tx: WriteTx, forgeId: string, { run }: ToldRun): void {
  tx.emit({
    kind: 'webhook.run-unmatched',
    subjectType: 'webhook',
    subjectId: run.id,
    groupId: null,
    forgeId,
    actor: SYSTEM_ACTOR,
    isAudit: false,
    data: { runId: run.id },
  });
}
