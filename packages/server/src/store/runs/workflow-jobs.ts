/** The parts of a run: which runner took it, and which parts still wait for one. */
import { sql } from 'kysely';
import { onForgeClock, type WorkflowJob } from '../../domain/attempt.ts';
import { OBSERVED_AHEAD_MS } from '../../domain/timing.ts';
import { chunksOf } from '../chunks.ts';
import type { Database, WriteTx } from '../database.ts';
import { type AttemptChange, emitAttempt, findActiveJob, writeAttempt } from '../moves/attempts.ts';
import { changeJob } from '../moves/jobs.ts';
import { attemptOf } from '../rows.ts';
import { showRunnerUse } from '../runners/use.ts';
import type { AttemptRow, WorkflowJobRow } from '../schema.ts';
import { awaitsNextJob } from './awaits-next-job.ts';

/** Forges stamp times in whole seconds, rounded down, and from those we know their clock to a second. */
const CLOCKS_APART_MS = 2_000;

export async function recordWorkflowJobs(
  database: Database,
  attemptId: string,
  jobs: readonly WorkflowJob[],
  sentAt: number,
): Promise<void> {
  const ours = jobs.filter((job) => job.runAttempt === 1);
  if (ours.length === 0) return;
  await database.write(async (tx) => {
    await takeJobs(tx, attemptId, ours, async (attempt) => {
      await storeJobs(tx, attempt, ours, sentAt);
      // Sooner than the next listing of runners says so: until then it would be given to another job.
      const { forge_id, owner, repo } = attempt;
      for (const job of ours.filter(({ status }) => status === 'in_progress')) {
        await showRunnerUse(tx, forge_id, { owner, repo, job });
      }
    });
  });
}

/**
 * What the run's workflow jobs, all that are known, mean for its attempt and job.
 *
 * @param store writes what is new of them, once the attempt is locked
 */
export async function takeJobs(
  tx: WriteTx,
  attemptId: string,
  jobs: readonly WorkflowJob[],
  store: (attempt: AttemptRow) => Promise<void>,
): Promise<void> {
  const written = await writeAttempt(tx, attemptId, {
    decide: (attempt) =>
      attempt.run_id !== null && jobs.every((job) => job.runId === attempt.run_id)
        ? { to: attempt.state, set: seenOn(tx, attempt, jobs) }
        : undefined,
    event: undefined,
  });
  if (written === undefined) return;
  const { before, after } = written;
  const isChanged = isSeen(before, after) || (await isBetween(tx, attemptId));
  await store(after);
  if (isChanged) emitAttempt(tx, after, { kind: 'attempt.changed' });
  await nameRunner(tx, after);
}

async function isBetween(tx: WriteTx, attemptId: string): Promise<boolean> {
  const row = await tx.db
    .selectFrom('attempts')
    .select('id')
    .where('id', '=', attemptId)
    .where(awaitsNextJob)
    .executeTakeFirst();
  return row !== undefined;
}

function isSeen(before: AttemptRow, after: AttemptRow): boolean {
  return before.runner_id !== after.runner_id || before.hold_ended_at !== after.hold_ended_at;
}

/** The first runner stands for the run; its hold ends when no part of it waits for one any more. */
function seenOn(tx: WriteTx, attempt: AttemptRow, jobs: readonly WorkflowJob[]): AttemptChange {
  const first = jobs.find((job) => job.runnerId !== null);
  const named =
    attempt.runner_id === null && first !== undefined
      ? { runner_id: first.runnerId, runner_name: first.runnerName }
      : {};
  return { ...named, hold_ended_at: holdEnd(tx, attempt, jobs) };
}

function holdEnd(tx: WriteTx, attempt: AttemptRow, jobs: readonly WorkflowJob[]): number | null {
  const { hold_ended_at: endedAt } = attempt;
  const waiting = jobs.filter(({ status, runnerId }) => status === 'queued' && runnerId === null);
  // A part that was queued after the hold had ended needs a runner of its own.
  if (endedAt !== null) {
    const endedThere = onForgeClock(attemptOf(attempt), endedAt);
    const isLater = ({ createdAt }: WorkflowJob) => (createdAt ?? 0) + CLOCKS_APART_MS > endedThere;
    return waiting.some(isLater) ? null : endedAt;
  }
  const isTaken = jobs.some((job) => job.runnerId !== null);
  return isTaken && waiting.length === 0 ? tx.now : null;
}

/** 17 columns a row. */
const JOBS_PER_STATEMENT = 500;

async function storeJobs(
  tx: WriteTx,
  { forge_id: forgeId, owner, repo }: AttemptRow,
  jobs: readonly WorkflowJob[],
  sentAt: number,
): Promise<void> {
  const rows = jobs.map((job) => ({
    ...rowOfJob({ forgeId, owner, repo }, job, sentAt),
    is_owned: 1 as const,
  }));
  for (const chunk of chunksOf(rows, JOBS_PER_STATEMENT)) await storeRows(tx, chunk, sentAt);
}

async function storeRows(
  tx: WriteTx,
  rows: readonly WorkflowJobRow[],
  sentAt: number,
): Promise<void> {
  await tx.db
    .insertInto('run_workflow_jobs')
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .columns(['forge_id', 'id'])
        .doUpdateSet((eb) => ({
          status: eb.ref('excluded.status'),
          conclusion: eb.ref('excluded.conclusion'),
          labels: eb.ref('excluded.labels'),
          runner_id: eb.ref('excluded.runner_id'),
          runner_name: eb.ref('excluded.runner_name'),
          created_at: eb.ref('excluded.created_at'),
          started_at: eb.ref('excluded.started_at'),
          completed_at: eb.ref('excluded.completed_at'),
          observed_at: eb.ref('excluded.observed_at'),
          is_owned: 1,
        }))
        // Nothing was seen later than now: a time that is yet to come would hide all that happens until then.
        .where((eb) =>
          eb.or([
            eb('run_workflow_jobs.observed_at', '<', sentAt),
            eb('run_workflow_jobs.observed_at', '>=', sentAt + OBSERVED_AHEAD_MS),
          ]),
        )
        .where((eb) =>
          eb.or([
            eb('run_workflow_jobs.status', '<>', 'completed'),
            eb(sql`excluded.status`, '=', 'completed'),
          ]),
        ),
    )
    .execute();
}

export function rowOfJob(
  place: { readonly forgeId: string; readonly owner: string; readonly repo: string },
  job: WorkflowJob,
  sentAt: number,
): Omit<WorkflowJobRow, 'is_owned'> {
  return {
    forge_id: place.forgeId,
    id: job.id,
    owner: place.owner,
    repo: place.repo,
    run_id: job.runId,
    run_attempt: job.runAttempt,
    name: job.name,
    status: job.status,
    conclusion: job.conclusion,
    labels: JSON.stringify(job.labels),
    runner_id: job.runnerId,
    runner_name: job.runnerName,
    created_at: job.createdAt,
    started_at: job.startedAt,
    completed_at: job.completedAt,
    observed_at: sentAt,
  };
}

async function nameRunner(tx: WriteTx, attempt: AttemptRow): Promise<void> {
  if (attempt.runner_id === null) return;
  const job = await findActiveJob(tx.db, attempt);
  if (job === undefined || job.runner_id === attempt.runner_id) return;
  const { runner_id, runner_name } = attempt;
  const event = { kind: 'job.run-found', data: { runnerName: runner_name } } as const;
  await changeJob(tx, job, { runner_id, runner_name }, event);
}
