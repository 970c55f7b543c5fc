import { describe, expect, it } from 'vitest';
import type { NewEvent } from '../domain/event.ts';
import { makeCatalogStore } from './catalog/catalog.ts';
import { makeCredentialStore } from './credentials.ts';
import { databases, useDatabase } from './databases.testkit.ts';
import { makeEventStore } from './events.ts';
import { makeJobStore } from './jobs/jobs.ts';
import { startedAttempt } from './moves/attempt-row.testkit.ts';
import { makeRetentionStore } from './retention.ts';
import { toBool } from './rows.ts';
import type { AttemptRow, RunnerRow } from './schema.ts';

const foreignJob = {
  ...{ forge_id: 'f', owner: 'acme', repo: 'other', run_id: '1', run_attempt: 1, name: 'build' },
  ...{ status: 'completed', conclusion: 'success', labels: '[]', runner_id: null, runner_name: '' },
  ...{ created_at: null, started_at: null, completed_at: null },
};

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

for (const kind of databases) {
  describe(`retention on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const retention = () => makeRetentionStore(at.database);

    const addJob = async (): Promise<string> => {
      const { job } = await makeJobStore(at.database).enqueue(
        {
          ...{ groupId: 'g', templateId: null, inputs: null, priority: 0, autoRequeue: false },
          ...{ requeueLimit: null, createdBy: 'alice', name: null, labels: null },
          ...{ owner: 'acme', repo: 'app', workflowId: 'ci.yml', ref: 'main' },
        },
        undefined,
      );
      return job.id;
    };
    const endJob = (id: string, completedAt: number) =>
      at.database.write(async (tx) => {
        await tx.db
          .updateTable('jobs')
          .set({ state: 'completed', completed_at: completedAt })
          .where('id', '=', id)
          .execute();
        tx.count({ groupId: 'g', templateId: null, state: 'pending' }, -1);
        tx.count({ groupId: 'g', templateId: null, state: 'completed' }, 1);
      });
    const start = async () => {
      const group = { id: 'g', name: 'g', description: '', runnerLabels: ['l'] };
      const synced = { ...group, runnerScopes: null, maxParallel: null, templates: [] };
      await makeCatalogStore(at.database).sync({ id: 'f', kind: 'github' }, [synced]);
    };
    const countOf = async (table: 'jobs' | 'attempts' | 'sessions' | 'idempotency_keys') => {
      const { n } = await at.database.read
        .selectFrom(table)
        .select((is) => is.fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow();
      return n;
    };

    it('deletes ended jobs, oldest first, a batch at a time, and counts them out', async () => {
      await start();
      for (const completedAt of [30, 10, 20, 99]) await endJob(await addJob(), completedAt);
      const pending = await addJob();
      expect(await retention().deleteEndedJobs(50, 2)).toBe(2);
      const left = await at.database.read
        .selectFrom('jobs')
        .select('completed_at')
        .where('completed_at', 'is not', null)
        .orderBy('completed_at')
        .execute();
      expect(left.map((row) => row.completed_at)).toEqual([30, 99]);
      expect(await retention().deleteEndedJobs(50, 2)).toBe(1);
      expect(await retention().deleteEndedJobs(50, 2)).toBe(0);
      expect(await makeJobStore(at.database).findJob(pending)).toBeDefined();
      const counts = await at.database.read
        .selectFrom('job_counts')
        .select(['state', 'n'])
        .orderBy('state')
        .execute();
      expect(counts).toEqual([
        { state: 'completed', n: 1 },
        { state: 'pending', n: 1 },
      ]);
      const events = await makeEventStore(at.database).listAfter(0, 100);
      const deleted = events.filter((event) => event.kind === 'job.deleted');
      expect(deleted.map((event) => event.data)).toEqual(
        Array(3).fill({ from: 'completed', why: 'retention' }),
      );
    });

    it('keeps the attempts of a job as long as the job, and those of a lost one for their time', async () => {
      await start();
      const kept = await addJob();
      await endJob(kept, 1_000);
      const attempts = [
        attempt('of a job that is there', { job_id: kept, run_id: '1', ended_at: 10 }),
        attempt('old, job gone', { run_id: '2', ended_at: 20 }),
        attempt('old, job gone, no run', { ended_at: 30 }),
        attempt('young, job gone', { run_id: '3', ended_at: 90 }),
        attempt('live, job gone', { run_id: '4', ended_at: null }),
      ];
      await at.database.write(async ({ db }) => {
        await db.insertInto('attempts').values(attempts).execute();
        await db
          .insertInto('run_workflow_jobs')
          .values(['1', '2'].map((runId) => workflowJob(runId)))
          .execute();
      });
      expect(await retention().deleteAttempts(50, 1)).toBe(1);
      expect(await retention().deleteAttempts(50, 10)).toBe(1);
      const left = await at.database.read
        .selectFrom('attempts')
        .select('id')
        .orderBy('id')
        .execute();
      expect(left.map((row) => row.id)).toEqual([
        'live, job gone',
        'of a job that is there',
        'young, job gone',
      ]);
      const jobs = await at.database.read
        .selectFrom('run_workflow_jobs')
        .select('run_id')
        .execute();
      expect(jobs).toEqual([{ run_id: '1' }]);
    });

    it('does not read on through attempts that are younger than the oldest ended job', async () => {
      await start();
      await endJob(await addJob(), 15);
      await at.database.write(async ({ db }) => {
        await db
          .insertInto('attempts')
          .values([attempt('before', { ended_at: 10 }), attempt('after', { ended_at: 20 })])
          .execute();
      });
      expect(await retention().deleteAttempts(50, 10)).toBe(1);
      expect(await retention().deleteEndedJobs(50, 10)).toBe(1);
      expect(await retention().deleteAttempts(50, 10)).toBe(1);
    });

    it('keeps what somebody decided longer than what merely happened', async () => {
      const emitAt = async (now: number, isAudit: boolean) => {
        at.clock.set(now);
        await at.database.write(async (tx) =>
          tx.emit(event(`${isAudit ? 'audit' : 'feed'} ${now}`, isAudit)),
        );
      };
      for (const now of [10, 20, 30])
        for (const isAudit of [false, true]) await emitAt(now, isAudit);
      const left = async () =>
        (await makeEventStore(at.database).listAfter(0, 100)).map((each) => each.subjectId);
      expect(await retention().deleteEvents(25, 15, 2)).toBe(2);
      expect(await left()).toEqual(['audit 10', 'audit 20', 'feed 30', 'audit 30']);
      expect(await retention().deleteEvents(25, 15, 2)).toBe(1);
      expect(await retention().deleteEvents(25, 15, 2)).toBe(0);
      expect(await left()).toEqual(['audit 20', 'feed 30', 'audit 30']);
    });

    it('deletes sessions whose time is over and idempotency keys after a day', async () => {
      const now = at.clock.now();
      await at.database.write(async ({ db }) => {
        await db
          .insertInto('users')
          .values({
            ...{ id: 'u', username: 'u', password_hash: '', role: 'admin', github_id: null },
            ...{ auth_provider: 'basic', is_enabled: 1, created_at: now, updated_at: now },
          })
          .execute();
        const session = (id: string, expires_at: number) => ({
          id,
          user_id: 'u',
          token_hash: id,
          expires_at,
          created_at: 1,
        });
        await db
          .insertInto('sessions')
          .values([session('over', now), session('lasts', now + 1)])
          .execute();
        const key = (name: string, created_at: number) => ({
          username: 'u',
          key: name,
          body_hash: '',
          job_id: '',
          created_at,
        });
        const old = Array.from({ length: 501 }, (_, i) => key(`old ${i}`, now - DAY_MS));
        await db
          .insertInto('idempotency_keys')
          .values([...old, key('young', now - DAY_MS + 1)])
          .execute();
      });
      expect(await retention().deleteExpired(now)).toBe(502);
      expect(await countOf('sessions')).toBe(1);
      expect(await countOf('idempotency_keys')).toBe(1);
      expect(await retention().deleteExpired(now)).toBe(0);
    });

    it('keeps so many deliveries and workflow jobs of others as of one hour of a busy organisation, and all that is not taken', async () => {
      const now = at.clock.now();
      await start();
      const delivery = (n: number, isTaken: boolean) => ({
        ...{ forge_id: 'f', id: `d${n}`, event: 'workflow_job', run_id: '1', observation: '{}' },
        ...{ received_at: now - n, processed_at: isTaken ? now : null },
        ...{ is_unowned: toBool(false), tries: 0, failure: '' },
      });
      const foreign = (n: number) => ({
        ...foreignJob,
        ...{ id: `j${n}`, observed_at: now - n, is_owned: toBool(n === 9) },
      });
      await at.database.write(async ({ db }) => {
        const taken = [1, 2, 3, 4].map((n) => delivery(n, true));
        await db
          .insertInto('webhook_deliveries')
          .values([...taken, delivery(9, false)])
          .execute();
        await db.insertInto('run_workflow_jobs').values([1, 2, 3, 4, 9].map(foreign)).execute();
      });
      const capped = makeRetentionStore(at.database, { deliveries: 2, foreignJobs: 3 });
      expect(await retention().deleteExpired(now)).toBe(0);
      expect(await capped.deleteExpired(now)).toBe(3);
      const idsOf = async (table: 'webhook_deliveries' | 'run_workflow_jobs') => {
        const rows = await at.database.read.selectFrom(table).select('id').orderBy('id').execute();
        return rows.map(({ id }) => id);
      };
      expect(await idsOf('webhook_deliveries')).toEqual(['d1', 'd2', 'd9']);
      expect(await idsOf('run_workflow_jobs')).toEqual(['j1', 'j2', 'j3', 'j9']);
      expect(await capped.deleteExpired(now)).toBe(0);
    });

    it('deletes what was left of the limits of a token that nobody has used for a week', async () => {
      const credentials = makeCredentialStore(at.database);
      const save = (id: string) =>
        credentials.save(
          'github',
          {
            ...{ id, actor: '', limit: null, remaining: null, resetAt: null, blockedUntil: null },
            ...{ rateFactor: 1, secondaryHits: 0, isConnected: true, error: '' },
          },
          false,
        );
      await save('before');
      at.clock.set(at.clock.now() + 7 * DAY_MS);
      await save('in use');
      expect(await retention().deleteExpired(at.clock.now())).toBe(1);
      expect(await credentials.find('before')).toBeUndefined();
      expect(await credentials.find('in use')).toBeDefined();
    });

    it('deletes runners nobody has seen, then their scope', async () => {
      await start();
      const scope = (name: string, listedAt: number | null) => ({
        ...{ forge_id: 'f', scope: name, etags: '[]', pass_sent_at: listedAt, pass_at: listedAt },
        ...{ error: '', created_at: 10 },
      });
      await at.database.write(async ({ db }) => {
        await db
          .insertInto('runner_scopes')
          .values([scope('org:dead', 10), scope('org:alive', 90), scope('org:never', null)])
          .execute();
        await db
          .insertInto('runners')
          // The last one looks as before since long, and was seen by a pass just now.
          .values([
            runner('1', 'org:dead', 10),
            runner('2', 'org:alive', 90),
            runner('3', 'org:alive', 10),
          ])
          .execute();
      });
      expect(await retention().deleteStaleRunners(50)).toBe(1);
      const scopes = await at.database.read.selectFrom('runner_scopes').select('scope').execute();
      expect(scopes).toEqual([{ scope: 'org:alive' }]);
      const runners = await at.database.read.selectFrom('runners').select('id').execute();
      expect(runners.map((row) => row.id).sort()).toEqual(['2', '3']);
      const events = await makeEventStore(at.database).listAfter(0, 100);
      expect(events.at(-1)).toMatchObject({ kind: 'runner.gone', subjectId: '1' });
    });
  });
}

function event(subjectId: string, isAudit: boolean): NewEvent {
  return {
    ...{ kind: 'job.paused', subjectType: 'job', subjectId, groupId: null, forgeId: null },
    ...{ actor: 'alice', isAudit, data: {} },
  };
}

function workflowJob(runId: string) {
  return {
    ...{
      forge_id: 'f',
      id: runId,
      owner: 'acme',
      repo: 'app',
      run_id: runId,
      run_attempt: 1,
      name: '',
      status: 'completed',
    },
    ...{ conclusion: null, labels: '[]', runner_id: null, runner_name: '', created_at: null },
    ...{ started_at: null, completed_at: null, observed_at: 1, is_owned: 1 as const },
  };
}

function runner(id: string, scope: string, lastSeenAt: number): RunnerRow {
  return {
    ...{ id, forge_id: 'f', scope, forge_runner_id: id, name: id, labels: '[]', label_set: '[]' },
    ...{
      os: '',
      status: 'online',
      is_busy: 0,
      is_ephemeral: 0,
      launch_id: null,
      observed_at: 1,
      missed_passes: 0,
    },
    ...{ last_seen_at: lastSeenAt, created_at: 1, updated_at: 1 },
  };
}

/** Of a job that is gone, without a run. */
function attempt(id: string, change: Partial<AttemptRow>): AttemptRow {
  const noRun = { run_id: null, run_status: null, run_created_at: null, run_started_at: null };
  return { ...startedAttempt, ...noRun, run_observed_at: null, id, job_id: 'gone', ...change };
}
