import { sql } from 'kysely';
import type { Run, WorkflowJob } from '../../domain/attempt.ts';
import type { Group, Template } from '../../domain/group.ts';
import type { Job } from '../../domain/job.ts';
import { labelSetOf } from '../../domain/runner.ts';
import type { TargetPauses } from '../../domain/target-block.ts';
import { uuidv7 } from '../../lib/ids.ts';
import type { Database, WriteTx } from '../database.ts';
import type { DatabaseUnderTest } from '../databases.testkit.ts';
import { makeJobStore } from '../jobs/jobs.ts';
import { makeLeaseStore } from '../leases.ts';
import type { Claim, ClaimRequest, RefusedOutcome } from '../port/dispatch.ts';
import type { ListedJob, NewJob } from '../port/jobs.ts';
import type { Fence } from '../port/leases.ts';
import { toBool, toJson } from '../rows.ts';
import { makeRunStore } from '../runs/runs.ts';
import type { RunnerRow, TargetBlockRow } from '../schema.ts';
import { makeDispatchStore } from './dispatch.ts';

export const FORGE = 'github';
export const CREDENTIAL = { credentialId: 'token', budgetId: 'token/1', actor: 'bot' };
const MINUTE = 60_000;

export const PAUSES: TargetPauses = {
  ...{ probeMs: MINUTE, recheckMs: MINUTE },
  ...{ firstFailureMs: 1_000, longestFailureMs: 4_000 },
};

/** It says nothing of where it went, and the job keeps its place. */
export const refused: RefusedOutcome = {
  isOwnFailure: false,
  ...{ then: 'retry', message: 'busy', notBefore: null },
  ...{ verdict: 'none', pauses: PAUSES },
};

export const newJob: NewJob = {
  ...{ groupId: 'g', templateId: 't', inputs: null, priority: 0 },
  ...{ autoRequeue: false, requeueLimit: null, createdBy: 'anna' },
  ...{ name: null, owner: null, repo: null, workflowId: null, ref: null, labels: null },
};

export const manual = {
  ...{ templateId: null, owner: 'acme', repo: 'app', workflowId: 'ci.yml', ref: 'main' },
};

/** What the tests of jobs, dispatch and runs say again and again. */
export function fixtureOn(at: DatabaseUnderTest) {
  const jobs = () => makeJobStore(at.database);
  const dispatch = () => makeDispatchStore(at.database);
  const runs = () => makeRunStore(at.database);
  return {
    jobs,
    dispatch,
    runs,
    jobsThere: () => makeJobStore(at.replica),
    dispatchThere: () => makeDispatchStore(at.replica),
    runsThere: () => makeRunStore(at.replica),
    /** Nothing but a probe goes to the target of `t`, and that in a minute. */
    block: (over: Partial<TargetBlockRow>) =>
      at.database.write((tx) =>
        tx.db
          .insertInto('target_blocks')
          .values({
            ...{ forge_id: FORGE, owner: 'acme', repo: 'app', workflow_id: 'ci.yml' },
            ...{ ref: 'main', kind: 'template-broken', refusals: 3, message: 'm' },
            ...{ since: tx.now, next_probe_at: tx.now + MINUTE },
            ...over,
          })
          .execute(),
      ),
    /** A forge with group `g` and its template `t`. */
    start: async () => {
      await at.database.write(async ({ db, now }) => {
        await db.insertInto('forges').values({ id: FORGE, kind: FORGE, created_at: now }).execute();
      });
      await addGroup(at.database, 'g');
      await addTemplate(at.database, 't');
    },
    addGroup: (id: string, over: Partial<Group> = {}) => addGroup(at.database, id, over),
    addTemplate: (id: string, over: Partial<Template> = {}) => addTemplate(at.database, id, over),
    addRunners: (...ids: string[]) => addRunners(at, ids, {}),
    addRunnersAs: (over: Partial<RunnerRow>, ...ids: string[]) => addRunners(at, ids, over),
    lease: async (holder = 'one'): Promise<Fence> =>
      (await makeLeaseStore(at.database).tryAcquire('dispatch:github', holder, 10 * MINUTE))!,
    add: async (over: Partial<NewJob> = {}): Promise<ListedJob> =>
      (await jobs().enqueue({ ...newJob, ...over }, undefined)).job,
    /** Enqueues and claims. */
    claimNew: async (fence: Fence, over: Partial<NewJob> = {}): Promise<Claim> => {
      const { job } = await jobs().enqueue({ ...newJob, ...over }, undefined);
      return (await dispatch().claim(fence, request(at, job.id)))!;
    },
    request: (jobId: string) => request(at, jobId),
    job: async (id: string): Promise<Job> => (await jobs().findJob(id))!,
    attempt: async (id: string) =>
      at.database.read
        .selectFrom('attempts')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirstOrThrow(),
    load: (over: { offsetMs?: number } = {}) =>
      dispatch().loadState({
        forgeId: FORGE,
        labelCase: 'ignored',
        credential: CREDENTIAL,
        freshForMs: 3 * MINUTE,
        pickupTimeoutMs: 15 * MINUTE,
        lostPickupMs: MINUTE,
        acceptedAt: null,
        offsetMs: 0,
        runMayBeMadeWithinMs: 5 * MINUTE,
        ...over,
      }),
    /** Kinds of the events that `work` commits, in order. */
    emitted: async (work: () => Promise<unknown>): Promise<string[]> => {
      const before = await lastSeq(at.database);
      await work();
      const rows = await at.database.read
        .selectFrom('events')
        .select('kind')
        .where('seq', '>', before)
        .orderBy('seq')
        .execute();
      return rows.map((row) => row.kind);
    },
    race: <T>(first: (tx: WriteTx) => Promise<unknown>, second: () => Promise<T>) =>
      race(at, first, second),
    run: (id: string, over: Partial<Run> = {}): Run => ({
      ...{ id, attempt: 1, name: 'CI', path: '.github/workflows/ci.yml', workflowId: '7' },
      ...{ event: 'workflow_dispatch', branch: 'main', actor: 'bot', status: 'queued' },
      ...{ headSha: 'c0ffee', conclusion: null, url: `https://forge/runs/${id}`, startedAt: null },
      ...{ createdAt: at.clock.now(), updatedAt: at.clock.now() },
      ...over,
    }),
    workflowJob: (id: string, over: Partial<WorkflowJob> = {}): WorkflowJob => ({
      ...{ id, runId: '1', runAttempt: 1, name: id, status: 'queued', conclusion: null },
      ...{ labels: ['linux'], runnerId: null, runnerName: '', createdAt: at.clock.now() },
      ...{ startedAt: null, completedAt: null },
      ...over,
    }),
  };
}

/**
 * Does `first` in a transaction of another process, which commits only once `second` waits for it, or has missed it and
 * is done.
 */
async function race<T>(
  { database, replica }: DatabaseUnderTest,
  first: (tx: WriteTx) => Promise<unknown>,
  second: () => Promise<T>,
): Promise<T> {
  const wrote = Promise.withResolvers<undefined>();
  const mayCommit = Promise.withResolvers<undefined>();
  const one = replica.write(async (tx) => {
    await first(tx);
    wrote.resolve(undefined);
    await mayCommit.promise;
  });
  await wrote.promise;
  const ending = { isDone: false };
  const two = second().finally(() => {
    ending.isDone = true;
  });
  // On SQLite, which has one writer, `second` waits for the connection.
  while (database.kind === 'postgres' && !ending.isDone && (await countWaiting(database)) === 0);
  mayCommit.resolve(undefined);
  const [, result] = await Promise.all([one, two]);
  return result;
}

async function countWaiting({ read }: Database): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'
  `.execute(read);
  return rows[0]?.n ?? 0;
}

function request(at: DatabaseUnderTest, jobId: string): ClaimRequest {
  const attemptId = uuidv7(at.clock.now());
  return {
    ...{ jobId, attemptId, credential: CREDENTIAL, sendDeadlineMs: 5_000, offsetMs: 0 },
    ...{ uncertaintyMs: 0, runMayBeMadeWithinMs: 5 * MINUTE },
    probeMs: MINUTE,
  };
}

async function lastSeq({ read }: Database): Promise<number> {
  const row = await read
    .selectFrom('events')
    .select('seq')
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.seq ?? 0;
}

async function addGroup(database: Database, id: string, over: Partial<Group> = {}): Promise<void> {
  await database.write(async ({ db, now }) => {
    await db
      .insertInto('groups')
      .values({
        id,
        forge_id: FORGE,
        name: over.name ?? id,
        description: '',
        runner_labels: JSON.stringify(over.runnerLabels ?? ['linux']),
        runner_scopes: toJson(over.runnerScopes ?? null),
        max_parallel: over.maxParallel ?? null,
        is_enabled: toBool(over.isEnabled ?? true),
        is_paused: toBool(over.isPaused ?? false),
        next_number: 0,
        created_at: now,
        updated_at: now,
      })
      .execute();
  });
}

async function addTemplate(
  database: Database,
  id: string,
  over: Partial<Template> = {},
): Promise<void> {
  await database.write(async ({ db, now }) => {
    await db
      .insertInto('templates')
      .values({
        id,
        group_id: over.groupId ?? 'g',
        name: over.name ?? id,
        owner: over.owner ?? 'acme',
        repo: over.repo ?? 'app',
        workflow_id: over.workflowId ?? 'ci.yml',
        ref: over.ref ?? 'main',
        default_inputs: toJson(over.defaultInputs ?? null),
        labels: toJson(over.labels ?? null),
        runners: over.runners ?? 1,
        correlation_input: over.correlationInput ?? null,
        in_config: 1,
        source_type: 'inline',
        source_path: '',
        created_at: now,
        updated_at: now,
      })
      .execute();
  });
}

/** Online and idle, in a scope that a complete listing has just vouched for. */
async function addRunners(
  { database, clock }: DatabaseUnderTest,
  ids: readonly string[],
  over: Partial<RunnerRow>,
): Promise<void> {
  const now = clock.now();
  const scope = over.scope ?? 'org:acme';
  await database.write(async ({ db }) => {
    await db
      .insertInto('runner_scopes')
      .values({
        ...{ forge_id: FORGE, scope, etags: '[]', pass_sent_at: now, pass_at: now },
        ...{ error: '', created_at: now },
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    for (const id of ids) {
      await db
        .insertInto('runners')
        .values({
          ...{ id: `${scope}#${id}`, forge_id: FORGE, scope, forge_runner_id: id },
          ...{ name: `runner-${id}`, labels: '["linux"]', label_set: labelSetOf(['linux']) },
          ...{
            os: 'linux',
            status: 'online',
            is_busy: 0,
            is_ephemeral: 0,
            launch_id: null,
            observed_at: now,
          },
          ...{ missed_passes: 0, last_seen_at: now, created_at: now, updated_at: now },
          ...over,
        })
        .execute();
    }
  });
}
