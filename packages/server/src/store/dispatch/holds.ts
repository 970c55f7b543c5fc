/** Which free runners live attempts keep from others: the rows that `holdsOf` asks for, on the forge's clock. */
import { type Kysely, type SqlBool, sql } from 'kysely';
import { type Attempt, onForgeClock, type WorkflowJob } from '../../domain/attempt.ts';
import type { Hold, RunnerClass } from '../../domain/dispatch-state.ts';
import { isDisplaced } from '../../domain/displaced.ts';
import { holdsOf, type ScopeListing } from '../../domain/holds.ts';
import { labelsFit, scopeCovers } from '../../domain/runner.ts';
import type { Yield } from '../../lib/yield.ts';
import { chunksOf } from '../chunks.ts';
import type { DispatchQuery } from '../port/dispatch.ts';
import { workflowJobOf } from '../rows.ts';
import { awaitsNextJob } from '../runs/awaits-next-job.ts';
import { listLiveAttempts } from '../runs/live.ts';
import type { Schema } from '../schema.ts';

/** The offset comes from `Date` headers, which tell whole seconds. */
const UNCERTAINTY_MS = 1_000;
const IDS_PER_STATEMENT = 500;

export interface LoadedHolds {
  readonly holds: readonly Hold[];
  /** Attempts whose hold has ended but is not recorded so. */
  readonly ended: readonly string[];
  /** Attempts whose runner another job took, but which are not recorded so. */
  readonly displaced: readonly string[];
}

export interface HoldContext {
  readonly query: DispatchQuery;
  readonly now: number;
  readonly yieldNow: Yield;
  readonly classes: readonly RunnerClass[];
  readonly listings: readonly ScopeListing[];
}

export async function loadHolds(db: Kysely<Schema>, fixture: HoldContext): Promise<LoadedHolds> {
  const { forgeId } = fixture.query;
  // Few beside the live ones: a hold ends when the runner is seen busy. One that was opened again is among them.
  const only = sql<SqlBool>`hold_ended_at is null`;
  const attempts = await listLiveAttempts(db, forgeId, fixture.yieldNow, { only });
  await fixture.yieldNow();
  const workflowJobs = await listWorkflowJobs(db, forgeId, attempts);
  await fixture.yieldNow();
  const busyRunnerIds = await listBusy(db, fixture, [...workflowJobs.values()].flat());
  const holds: Hold[] = [];
  const ended: string[] = [];
  const displaced: string[] = [];
  for (const attempt of attempts) {
    await fixture.yieldNow();
    const heard = hearing(fixture, attempt);
    const holding = holdsOf({
      ...heard,
      workflowJobs: workflowJobs.get(attempt.runId ?? '') ?? [],
      areWorkflowJobsObserved: workflowJobs.has(attempt.runId ?? ''),
      busyRunnerIds,
    });
    holds.push(...holding.holds);
    if (holding.ended !== null) ended.push(attempt.id);
    const isNew = attempt.displacedAt === null;
    if (isNew && isDisplaced(attempt, heard.now, heard.areFittingRunnersIdle)) {
      displaced.push(attempt.id);
    }
  }
  await fixture.yieldNow();
  holds.push(...(await listBetweenHolds(db, fixture)));
  return { holds, ended, displaced };
}

function hearing(
  { query, now, classes, listings }: HoldContext,
  attempt: Attempt,
): Omit<
  Parameters<typeof holdsOf>[0],
  'workflowJobs' | 'areWorkflowJobsObserved' | 'busyRunnerIds'
> {
  const { owner, repo, labels } = attempt;
  const covers = ({ scope }: { scope: string }): boolean => scopeCovers(scope, owner, repo);
  return {
    attempt: {
      ...attempt,
      claimedAt: attempt.forgeClaimedAt,
      holdEndedAt: attempt.holdEndedAt === null ? null : onForgeClock(attempt, attempt.holdEndedAt),
    },
    listings: listings.filter(covers),
    now: now + query.offsetMs,
    // It may have started nothing, and then nobody will ever take its runner.
    pickupTimeoutMs: attempt.state === 'unknown' ? query.lostPickupMs : query.pickupTimeoutMs,
    uncertaintyMs: UNCERTAINTY_MS,
    areFittingRunnersIdle: classes.some(
      (one) => one.free > 0 && labelsFit(one.labels, labels, query.labelCase) && covers(one),
    ),
  };
}

/** Until its run is looked into, its next workflow job may take the runner that the last one has just left. */
async function listBetweenHolds(db: Kysely<Schema>, fixture: HoldContext): Promise<Hold[]> {
  const { query, yieldNow } = fixture;
  const test = sql<SqlBool>`hold_ended_at is not null and ${awaitsNextJob}`;
  const attempts = await listLiveAttempts(db, query.forgeId, yieldNow, { test });
  return attempts.map(({ id: attemptId, jobId, groupId, labels, owner, repo }) => {
    return { attemptId, jobId, groupId, labels, owner, repo, count: 1 };
  });
}

/** By run. Re-runs are somebody else's: only the first attempt of a run is ours. */
async function listWorkflowJobs(
  db: Kysely<Schema>,
  forgeId: string,
  attempts: readonly Attempt[],
): Promise<Map<string, WorkflowJob[]>> {
  const runIds = attempts.flatMap((attempt) => attempt.runId ?? []);
  const byRun = new Map<string, WorkflowJob[]>();
  for (const chunk of chunksOf(runIds, IDS_PER_STATEMENT)) {
    const rows = await db
      .selectFrom('run_workflow_jobs')
      .selectAll()
      .where('forge_id', '=', forgeId)
      .where('run_id', 'in', chunk)
      .where('run_attempt', '=', 1)
      .execute();
    for (const row of rows) {
      byRun.set(row.run_id, [...(byRun.get(row.run_id) ?? []), workflowJobOf(row)]);
    }
  }
  return byRun;
}

async function listBusy(
  db: Kysely<Schema>,
  { query, listings }: HoldContext,
  jobs: readonly WorkflowJob[],
): Promise<Set<string>> {
  const ids = [...new Set(jobs.flatMap((job) => job.runnerId ?? []))];
  const scopes = listings.map((listing) => listing.scope);
  const busy = new Set<string>();
  if (scopes.length === 0) return busy;
  for (const chunk of chunksOf(ids, IDS_PER_STATEMENT)) {
    const { rows } = await sql<{ forge_runner_id: string }>`
      select forge_runner_id from runners
      where forge_id = ${query.forgeId} and scope in (${sql.join(scopes)})
        and forge_runner_id in (${sql.join(chunk)}) and is_busy = 1
    `.execute(db);
    for (const row of rows) busy.add(row.forge_runner_id);
  }
  return busy;
}
