/** Runs that are deleted, and those that nobody can look for: their repository cannot be read any more. */
import type { AttemptState } from '../../domain/attempt.ts';
import { ACTIVE_STATES } from '../../domain/job.ts';
import { chunksOf } from '../chunks.ts';
import type { Database } from '../database.ts';
import { emitAttempt, findActiveJob, writeAttempt } from '../moves/attempts.ts';
import { endJob } from '../moves/jobs.ts';
import type { AttemptRow } from '../schema.ts';
import { awaitsRun } from './record.ts';

const IDS_PER_STATEMENT = 500;

export async function recordRunGone(
  database: Database,
  attemptId: string,
  recheckAfterMs: number,
  message: string,
): Promise<'noted' | 'ended' | 'lost'> {
  const isOpen = ({ run_id: runId }: AttemptRow): boolean => runId !== null;
  const endOf = ({ state }: AttemptRow): End => ({ to: state, message });
  return noteGone(database, attemptId, { isOpen, gapMs: recheckAfterMs, endOf });
}

export async function recordRunUnreadable(
  database: Database,
  attemptId: string,
  unreadableRunMs: number,
  messages: { readonly lost: string; readonly ambiguous: string },
): Promise<boolean> {
  // An end is for ever, so nothing can come between this look and the write.
  if (await isRunOfActiveJob(database, attemptId)) return false;
  // One that is still being sent is told about by its reply.
  const isOpen = (attempt: AttemptRow): boolean => attempt.run_id !== null || awaitsRun(attempt);
  const endOf = (attempt: AttemptRow): End => {
    const { state, run_id: runId } = attempt;
    if (runId !== null) return { to: state, message: messages.lost };
    // Also where its run is to be cancelled: no listing has shown what others made at that time, which would be ended for it.
    return { to: 'ambiguous', message: messages.ambiguous };
  };
  return (
    (await noteGone(database, attemptId, { isOpen, gapMs: unreadableRunMs, endOf })) === 'ended'
  );
}

interface End {
  readonly to: AttemptState;
  readonly message: string;
}

interface Gone {
  /** Whether this may be said of it; one that has ended is left alone in any case. */
  readonly isOpen: (attempt: AttemptRow) => boolean;
  /** It counts when it is still so this long after it was first seen so. */
  readonly gapMs: number;
  readonly endOf: (attempt: AttemptRow) => End;
}

async function noteGone(
  database: Database,
  attemptId: string,
  { isOpen, gapMs, endOf }: Gone,
): Promise<'noted' | 'ended' | 'lost'> {
  return database.write(async (tx) => {
    const written = await writeAttempt(tx, attemptId, {
      decide: (attempt) => {
        if (attempt.ended_at !== null || !isOpen(attempt)) return undefined;
        const { state, gone_since: goneSince } = attempt;
        const isSure = goneSince !== null && tx.now - goneSince >= gapMs;
        if (!isSure) return { to: state, set: { gone_since: goneSince ?? tx.now } };
        const { to, message } = endOf(attempt);
        return { to, set: { ended_at: tx.now, error_message: message } };
      },
      event: undefined,
    });
    if (written === undefined) return 'lost';
    const { after } = written;
    if (after.ended_at === null) return 'noted';
    const isAmbiguous = after.state === 'ambiguous';
    const message = after.error_message;
    const kind = isAmbiguous ? 'attempt.ambiguous' : 'attempt.ended';
    emitAttempt(tx, after, { kind, data: { message } });
    const job = await findActiveJob(tx.db, after);
    // How it ended nobody knows: the next of its chain would do, unasked, what may be done already, or under way.
    if (job !== undefined) {
      await endJob(tx, job, { to: 'failed', message, cause: 'outcome-unknown' });
    }
    return 'ended';
  });
}

async function isRunOfActiveJob({ read }: Database, attemptId: string): Promise<boolean> {
  const attempt = await read
    .selectFrom('attempts')
    .innerJoin('jobs', 'jobs.attempt_id', 'attempts.id')
    .select('jobs.id')
    .where('attempts.id', '=', attemptId)
    .where('attempts.run_id', 'is not', null)
    .where('jobs.state', 'in', ACTIVE_STATES)
    .executeTakeFirst();
  return attempt !== undefined;
}

export async function recordReadable(
  database: Database,
  attemptIds: readonly string[],
): Promise<void> {
  for (const chunk of chunksOf(attemptIds, IDS_PER_STATEMENT)) {
    await database.write(async ({ db }) => {
      await db
        .updateTable('attempts')
        .set({ gone_since: null })
        .where('id', 'in', chunk)
        .where('run_id', 'is', null)
        .where('ended_at', 'is', null)
        .execute();
    });
  }
}
