/** Runs that were found rather than named by a reply. */
import { isWatched, type MatchedBy, type Run } from '../../domain/attempt.ts';
import type { Database, WriteTx } from '../database.ts';
import {
  type AttemptChange,
  type AttemptWrite,
  findActiveJob,
  isRunTaken,
  writeAttempt,
} from '../moves/attempts.ts';
import { changeJob } from '../moves/jobs.ts';
import type { AttemptRow } from '../schema.ts';

export async function matchRun(
  database: Database,
  attemptId: string,
  run: Run,
  matchedBy: MatchedBy,
): Promise<boolean> {
  return takeRun(database, attemptId, run, {
    decide: ({ state, run_id, ended_at }) => {
      if (run_id !== null || ended_at !== null) return undefined;
      if (state !== 'unknown' && state !== 'accepted') return undefined;
      const set = { ...runFields(run), matched_by: matchedBy };
      return { to: state === 'unknown' ? 'found' : 'accepted', set };
    },
    event: { kind: 'attempt.found', data: { matchedBy } },
  });
}

/**
 * It is live again until its run has ended, and holds its state: what was concluded stays visible. A run that is over
 * needs no cancel, and one that somebody has started again is theirs.
 */
export async function adoptLateRun(
  database: Database,
  attemptId: string,
  run: Run,
  matchedBy: MatchedBy,
): Promise<boolean> {
  const now = database.clock.now();
  return takeRun(database, attemptId, run, {
    decide: ({ state, run_id: runId, ended_at: endedAt, cancel_wanted_at }) => {
      if (!isWatched({ state, runId, endedAt })) return undefined;
      const isToBeCancelled = run.attempt === 1 && run.status !== 'completed';
      const wanted = { cancel_wanted_at: isToBeCancelled ? (cancel_wanted_at ?? now) : null };
      const set = { ...runFields(run), matched_by: matchedBy, ...wanted, ended_at: null };
      return { to: state, set };
    },
    event: { kind: 'attempt.run-late' },
  });
}

/** False when the attempt, or the run, was taken first: the unique index over runs decides between two. */
async function takeRun(
  database: Database,
  attemptId: string,
  run: Run,
  write: AttemptWrite,
): Promise<boolean> {
  try {
    return await database.write(async (tx) => {
      const written = await writeAttempt(tx, attemptId, write);
      if (written === undefined) return false;
      await showRun(tx, written.after);
      return true;
    });
  } catch (error) {
    if (isRunTaken(error)) return false;
    throw error;
  }
}

/** Its state is left to the next observation, which has a send time to be ordered by. */
function runFields(run: Run): AttemptChange {
  return {
    run_id: run.id,
    run_url: run.url,
    run_created_at: run.createdAt,
    missing_since: null,
    missing_at: null,
    gone_since: null,
  };
}

async function showRun(tx: WriteTx, attempt: AttemptRow): Promise<void> {
  const job = await findActiveJob(tx.db, attempt);
  if (job === undefined) return;
  const { run_id, run_url, run_created_at } = attempt;
  const event = { kind: 'job.run-found', data: { runId: run_id } } as const;
  await changeJob(tx, job, { run_id, run_url, run_created_at }, event);
}
