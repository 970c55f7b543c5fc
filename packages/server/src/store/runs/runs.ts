import { type Expression, type SqlBool, sql } from 'kysely';
import type { Attempt, WorkflowJob } from '../../domain/attempt.ts';
import { makeYield } from '../../lib/yield.ts';
import { chunksOf } from '../chunks.ts';
import type { Database } from '../database.ts';
import { emitAttempt, isWatchedRow } from '../moves/attempts.ts';
import type { RunStore } from '../port/runs.ts';
import { attemptOf, workflowJobOf } from '../rows.ts';
import { isToBeChecked } from './awaits-next-job.ts';
import { MAY_BE_IN_DOUBT } from './doubts.ts';
import { recordReadable, recordRunGone, recordRunUnreadable } from './gone.ts';
import { listLiveAttempts } from './live.ts';
import { adoptLateRun, matchRun } from './match.ts';
import { listNamedCommits } from './naming.ts';
import { concludeAbsent, concludeAmbiguous, recordMissing, recordRun } from './record.ts';
import { listNamedRuns, listStamped } from './stamped.ts';
import { recordWorkflowJobs } from './workflow-jobs.ts';

const IDS_PER_STATEMENT = 500;
/** In doubt though it has a run: that was taken by its time alone. */
const isGuessedRow = sql<SqlBool>`${MAY_BE_IN_DOUBT} and run_id is not null`;
/** Word for word the condition of the index `attempts_by_time`. */
const isAcceptedByTimeRow = sql<SqlBool>`is_named = 0 and state = 'accepted' and matched_by = 'order'`;

export function makeRunStore(database: Database): RunStore {
  return {
    listLive: (forgeId) => listLiveAttempts(database.read, forgeId, makeYield(database.clock)),
    listWatched: (forgeId, since) => listClaimedSince(database, forgeId, since, isWatchedRow),
    listGuessed: (forgeId, since) => listClaimedSince(database, forgeId, since, isGuessedRow),
    listAcceptedByTime: (forgeId, since) =>
      listClaimedSince(database, forgeId, since, isAcceptedByTimeRow),
    listStamped: (forgeId, limit) => listStamped(database, forgeId, limit),
    listNamedRuns: (asked) => listNamedRuns(database, asked),
    listOwnedRunIds: (forgeId, runIds) => listOwnedRunIds(database, forgeId, runIds),
    listAttemptIds: (ids) => listAttemptIds(database, ids),
    matchRun: (attemptId, run, matchedBy) => matchRun(database, attemptId, run, matchedBy),
    recordRun: (attemptId, run, sentAt) => recordRun(database, attemptId, run, sentAt),
    recordWorkflowJobs: (attemptId, jobs, sentAt) =>
      recordWorkflowJobs(database, attemptId, jobs, sentAt),
    listWorkflowJobs: (forgeId, runId) => listWorkflowJobs(database, forgeId, runId),
    listToCheck: async (forgeId) => {
      const yieldNow = makeYield(database.clock);
      const filter = { test: isToBeChecked };
      const found = await listLiveAttempts(database.read, forgeId, yieldNow, filter);
      return new Set(found.map(({ id }) => id));
    },
    recordMissing: (attemptId, sentAt) => recordMissing(database, attemptId, sentAt),
    concludeAbsent: (attemptId, message) => concludeAbsent(database, attemptId, message),
    concludeAmbiguous: (attemptId, message, how) =>
      concludeAmbiguous(database, attemptId, message, how),
    listNamedCommits: (attempts, commits) => listNamedCommits(database, attempts, commits),
    adoptLateRun: (attemptId, run, matchedBy) => adoptLateRun(database, attemptId, run, matchedBy),
    recordRunGone: (attemptId, recheckAfterMs, message) =>
      recordRunGone(database, attemptId, recheckAfterMs, message),
    recordRunUnreadable: (attemptId, unreadableRunMs, messages) =>
      recordRunUnreadable(database, attemptId, unreadableRunMs, messages),
    recordReadable: (attemptIds) => recordReadable(database, attemptIds),
    listWantedCancels: (forgeId, waits) => listWantedCancels(database, forgeId, waits),
    recordCancelSent: (attemptId, how) => recordCancelSent(database, attemptId, how),
  };
}

async function listClaimedSince(
  { read }: Database,
  forgeId: string,
  claimedSince: number,
  isMeant: Expression<SqlBool>,
): Promise<Attempt[]> {
  const rows = await read
    .selectFrom('attempts')
    .selectAll()
    .where('forge_id', '=', forgeId)
    .where(isMeant)
    .where('claimed_at', '>=', claimedSince)
    .orderBy('claimed_at')
    .execute();
  return rows.map(attemptOf);
}

async function listOwnedRunIds(
  { read }: Database,
  forgeId: string,
  runIds: readonly string[],
): Promise<Set<string>> {
  const owned = new Set<string>();
  for (const chunk of chunksOf(runIds, IDS_PER_STATEMENT)) {
    const rows = await read
      .selectFrom('attempts')
      .select('run_id')
      .where('forge_id', '=', forgeId)
      .where('run_id', 'in', chunk)
      .execute();
    for (const { run_id } of rows) if (run_id !== null) owned.add(run_id);
  }
  return owned;
}

async function listAttemptIds({ read }: Database, ids: readonly string[]): Promise<string[]> {
  const known: string[] = [];
  for (const chunk of chunksOf(ids, IDS_PER_STATEMENT)) {
    const rows = await read.selectFrom('attempts').select('id').where('id', 'in', chunk).execute();
    known.push(...rows.map(({ id }) => id));
  }
  return known;
}

async function listWorkflowJobs(
  { read }: Database,
  forgeId: string,
  runId: string,
): Promise<WorkflowJob[]> {
  const rows = await read
    .selectFrom('run_workflow_jobs')
    .selectAll()
    .where('forge_id', '=', forgeId)
    .where('run_id', '=', runId)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map(workflowJobOf);
}

async function listWantedCancels(
  { read, clock, dbNow }: Database,
  forgeId: string,
  { forceCancelMs, runMadeWithinMs }: Parameters<RunStore['listWantedCancels']>[1],
): Promise<{ attempt: Attempt; how: 'cancel' | 'force-cancel' }[]> {
  const rows = await read
    .selectFrom('attempts')
    .selectAll()
    .where('forge_id', '=', forgeId)
    .where('cancel_wanted_at', 'is not', null)
    .where('ended_at', 'is', null)
    .where('run_id', 'is not', null)
    .where(sql<SqlBool>`(matched_by is distinct from 'order'
      or ${dbNow} > send_deadline + forge_uncertainty_ms + ${sql.lit(runMadeWithinMs)})`)
    .where((eb) =>
      eb.or([
        eb('cancel_sent_at', 'is', null),
        // Again while it lives: the forge may have said that it is gone when it was not.
        eb(
          eb.fn.coalesce('force_cancel_sent_at', 'cancel_sent_at'),
          '<=',
          clock.now() - forceCancelMs,
        ),
      ]),
    )
    .orderBy('cancel_wanted_at')
    .execute();
  return rows.map((row) => ({
    attempt: attemptOf(row),
    how: row.cancel_sent_at === null ? 'cancel' : 'force-cancel',
  }));
}

async function recordCancelSent(
  database: Database,
  attemptId: string,
  how: 'cancel' | 'force-cancel',
): Promise<void> {
  const column = how === 'cancel' ? 'cancel_sent_at' : 'force_cancel_sent_at';
  await database.write(async (tx) => {
    const sent = await tx.db
      .updateTable('attempts')
      .set({ [column]: tx.now })
      .where('id', '=', attemptId)
      .$if(how === 'cancel', (update) => update.where(column, 'is', null))
      .returningAll()
      .executeTakeFirst();
    if (sent !== undefined) emitAttempt(tx, sent, { kind: 'attempt.changed', data: { sent: how } });
  });
}
