import { beforeEach, describe, expect, it } from 'vitest';
import type { ObservedRunner } from '../../domain/runner.ts';
import { READERS } from '../../forge/github/webhook-schema.ts';
import { databases, useDatabase } from '../databases.testkit.ts';
import { FORGE, fixtureOn } from '../dispatch/dispatch.testkit.ts';
import { makeLeaseStore } from '../leases.ts';
import type { Fence } from '../port/leases.ts';
import type { NewDelivery } from '../port/webhooks.ts';
import { makeRunnerStore } from '../runners/runners.ts';
import { makeWebhookStore } from './webhooks.ts';

const HOUR_MS = 60 * 60_000;
const WATCHED_MS = 24 * HOUR_MS;

for (const kind of databases) {
  describe(`the inbox of webhooks on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const webhooks = () => makeWebhookStore(at.database);
    let fence: Fence;
    let lease: Fence;

    beforeEach(async () => {
      await fixture.start();
      lease = await fixture.lease();
      const leases = makeLeaseStore(at.database);
      fence = (await leases.tryAcquire('take-webhooks:github', 'one', 600_000))!;
    });

    const place = { owner: 'acme', repo: 'app' };

    const deliveredJob = (id: string, status: string, atMs: number): NewDelivery => ({
      forgeId: FORGE,
      id,
      event: 'workflow_job',
      observation: {
        ...{ kind: 'workflow-job', ...place, at: atMs },
        job: fixture.workflowJob('7', {
          ...{ status, runnerId: '3', runnerName: 'runner-3', startedAt: atMs - 100 },
          completedAt: status === 'completed' ? atMs : null,
        }),
      },
    });

    const deliveredRun = (id: string, status: string): NewDelivery => ({
      forgeId: FORGE,
      id,
      event: 'workflow_run',
      observation: {
        ...{ kind: 'run', ...place, at: at.clock.now() },
        run: fixture.run('1', { status, conclusion: status === 'completed' ? 'success' : null }),
      },
    });

    const takeAll = async (): Promise<void> => {
      await webhooks().take(fence, await webhooks().listOpen(FORGE, 50), WATCHED_MS);
    };
    const isBusy = async (): Promise<boolean | undefined> =>
      (await makeRunnerStore(at.database).listRunners())[0]?.isBusy;

    it('knows a delivery that comes again, and tells of each once', async () => {
      const kinds = await fixture.emitted(async () => {
        expect(await webhooks().add(deliveredRun('a', 'queued'))).toBe(true);
        expect(await webhooks().add(deliveredRun('a', 'queued'))).toBe(false);
      });
      expect(kinds).toEqual(['webhook.received']);
      await takeAll();
      expect(await webhooks().listOpen(FORGE, 50)).toEqual([]);
    });

    it('makes a runner busy and free again for a run of somebody else', async () => {
      await fixture.addRunners('3');
      const now = at.clock.advance(5_000);
      await webhooks().add(deliveredJob('a', 'in_progress', now));
      await takeAll();
      expect(await isBusy()).toBe(true);
      await webhooks().add(deliveredJob('b', 'completed', now + 900));
      await takeAll();
      expect(await isBusy()).toBe(false);
      // Overtaken on its way.
      await webhooks().add(deliveredJob('c', 'in_progress', now + 1_000));
      await takeAll();
      expect(await isBusy()).toBe(false);
    });

    it('believes a listing that was sent later', async () => {
      await fixture.addRunners('3');
      await webhooks().add(deliveredJob('a', 'in_progress', at.clock.now() - 1_000));
      await takeAll();
      expect(await isBusy()).toBe(false);
    });

    it('lets a complete pass correct what is stored of a time that is yet to come', async () => {
      await fixture.addRunners('3');
      const now = at.clock.advance(5_000);
      await webhooks().add(deliveredJob('a', 'in_progress', now + 2 * HOUR_MS));
      await takeAll();
      expect(await isBusy()).toBe(true);
      const runner: ObservedRunner = {
        ...{ forgeRunnerId: '3', name: 'runner-3', labels: ['linux'], os: 'linux' },
        status: 'online',
        isBusy: false,
      };
      const leases = makeLeaseStore(at.database);
      const polling = (await leases.tryAcquire('poll', 'one', 600_000))!;
      await makeRunnerStore(at.database).recordListing(polling, {
        ...{ forgeId: FORGE, scope: 'org:acme', sentAt: now + 1_000, unseenMs: 180_000 },
        ...{ runners: [runner], etags: [] },
      });
      expect(await isBusy()).toBe(false);
    });

    it('lets a look at a run correct what is stored of a time that is yet to come', async () => {
      const { attempt } = await fixture.claimNew(lease);
      await fixture.dispatch().recordAccepted(attempt.id, { runId: '1', runUrl: '' });
      const now = at.clock.advance(5_000);
      const run = fixture.run('1', { status: 'in_progress' });
      await fixture.runs().recordRun(attempt.id, run, now + 2 * HOUR_MS);
      await fixture.runs().recordRun(attempt.id, { ...run, status: 'waiting' }, now + 1_000);
      const seen = { run_status: 'waiting', run_observed_at: now + 1_000 };
      expect(await fixture.attempt(attempt.id)).toMatchObject(seen);
      const part = fixture.workflowJob('7', { status: 'in_progress', runnerId: '3' });
      await fixture.runs().recordWorkflowJobs(attempt.id, [part], now + 2 * HOUR_MS);
      const later = { ...part, runnerId: '4' };
      await fixture.runs().recordWorkflowJobs(attempt.id, [later], now + 1_000);
      expect(await fixture.runs().listWorkflowJobs(FORGE, '1')).toMatchObject([{ runnerId: '4' }]);
    });

    it('takes a run of the same id in another repository for somebody else’s', async () => {
      const { attempt } = await fixture.claimNew(lease);
      await fixture.dispatch().recordAccepted(attempt.id, { runId: '1', runUrl: '' });
      const emitted = deliveredRun('a', 'completed');
      const { observation } = emitted;
      await webhooks().add({ ...emitted, observation: { ...observation, owner: 'eve' } });
      await takeAll();
      expect((await fixture.job(attempt.jobId)).state).toBe('triggered');
      expect(await webhooks().listOpen(FORGE, 50)).toEqual([]);
      await webhooks().add({ ...emitted, id: 'b', observation: { ...observation, owner: 'ACME' } });
      await takeAll();
      expect((await fixture.job(attempt.jobId)).state).toBe('completed');
    });

    it('keeps apart runners of two owners that share an id and a name', async () => {
      await fixture.addRunners('3');
      const now = at.clock.advance(5_000);
      await webhooks().add(deliveredJob('a', 'in_progress', now));
      await takeAll();
      const { observation: theirs, ...emitted } = deliveredJob('b', 'in_progress', now + 5_000);
      if (theirs.kind !== 'workflow-job') throw new Error('not of a workflow job');
      const job = { ...theirs.job, id: '8', runId: '9', startedAt: now + 5_000 };
      await webhooks().add({ ...emitted, observation: { ...theirs, owner: 'beta', job } });
      await webhooks().add(deliveredJob('c', 'completed', now + 2_000));
      await takeAll();
      expect(await isBusy()).toBe(false);
    });

    it('takes names with a NUL, which not every database can store', async () => {
      const payload = {
        workflow_job: {
          ...{ id: 7, run_id: 1, name: 'build\u0000', status: 'in_progress', labels: ['a\u0000'] },
          ...{ runner_id: 3, runner_name: 'runner\u0000-3', started_at: '2026-01-01T12:00:05Z' },
        },
        repository: { name: 'app\u0000', owner: { login: 'acme' } },
      };
      await fixture.addRunners('3');
      const receipt = { at: at.clock.advance(5_000), uncertaintyMs: 0 };
      const observation = READERS['workflow_job']?.(payload, receipt);
      if (observation?.kind !== 'workflow-job') throw new Error('not of a workflow job');
      await webhooks().add({ forgeId: FORGE, id: 'a', event: 'workflow_job', observation });
      await takeAll();
      expect(await isBusy()).toBe(true);
    });

    it('has the run looked at whose next attempt is told before the end of ours', async () => {
      const { attempt } = await fixture.claimNew(lease);
      await fixture.dispatch().recordAccepted(attempt.id, { runId: '1', runUrl: '' });
      const again = { ...fixture.run('1', { status: 'in_progress' }), attempt: 2 };
      const tell = async (id: string): Promise<void> => {
        const observation = { ...place, kind: 'run', run: again, at: at.clock.now() } as const;
        await webhooks().add({ forgeId: FORGE, id, event: 'workflow_run', observation });
      };
      await tell('a');
      expect(await fixture.emitted(takeAll)).toEqual(['webhook.run-again']);
      await webhooks().add(deliveredRun('b', 'completed'));
      await takeAll();
      await tell('c');
      expect(await fixture.emitted(takeAll)).toEqual([]);
    });

    it('keeps what was told of a run until an attempt has it', async () => {
      const { attempt } = await fixture.claimNew(lease);
      await webhooks().add(deliveredRun('a', 'completed'));
      await takeAll();
      expect(await webhooks().listOpen(FORGE, 50)).toEqual([]);
      await fixture.dispatch().recordAccepted(attempt.id, { runId: '1', runUrl: '' });
      await takeAll();
      expect((await fixture.job(attempt.jobId)).state).toBe('completed');
      expect(await webhooks().listOpen(FORGE, 50)).toEqual([]);
    });

    it('does not end a job by a run that is told as completed but not as what', async () => {
      const { attempt } = await fixture.claimNew(lease);
      await fixture.dispatch().recordAccepted(attempt.id, { runId: '1', runUrl: '' });
      const { observation, ...half } = deliveredRun('a', 'completed');
      if (observation.kind !== 'run') throw new Error('a run is told');
      const run = { ...observation.run, conclusion: null };
      await webhooks().add({ ...half, observation: { ...observation, run } });
      await takeAll();
      expect((await fixture.job(attempt.jobId)).state).toBe('triggered');
      await webhooks().add(deliveredRun('b', 'completed'));
      await takeAll();
      expect((await fixture.job(attempt.jobId)).state).toBe('completed');
    });

    it('takes nothing back when deliveries overtake each other', async () => {
      const { attempt } = await fixture.claimNew(lease);
      await fixture.dispatch().recordAccepted(attempt.id, { runId: '1', runUrl: '' });
      await webhooks().add(deliveredRun('a', 'in_progress'));
      await webhooks().add(deliveredRun('b', 'queued'));
      await takeAll();
      expect((await fixture.job(attempt.jobId)).state).toBe('running');
      expect((await fixture.attempt(attempt.id)).run_status).toBe('in_progress');
    });

    it('applies all or none, and gives up one that cannot be applied', async () => {
      await webhooks().add(deliveredRun('a', 'queued'));
      // What no process of ours writes.
      await at.database.write(({ db }) =>
        db.updateTable('webhook_deliveries').set({ observation: '{' }).execute(),
      );
      await webhooks().add(deliveredRun('b', 'queued'));
      await expect(takeAll()).rejects.toThrow();
      const open = await webhooks().listOpen(FORGE, 50);
      expect(open).toHaveLength(2);
      const [first] = open;
      const failure = { message: 'broken', mostTries: 1 };
      expect(await webhooks().recordFailure(fence, first!, failure)).toBe(true);
      await takeAll();
      expect(await webhooks().listOpen(FORGE, 50)).toEqual([]);
    });

    it('asks for listings only when an attempt without a run may have started the run', async () => {
      await webhooks().add(deliveredRun('a', 'queued'));
      expect(await fixture.emitted(takeAll)).toEqual([]);
      const { attempt } = await fixture.claimNew(lease);
      await fixture.dispatch().recordUnknown(attempt.id, 'no answer');
      await webhooks().add(deliveredRun('b', 'queued'));
      expect(await fixture.emitted(takeAll)).toEqual(['webhook.run-unmatched']);
    });

    it('asks for none while an attempt that is being sent may have started it', async () => {
      const { attempt } = await fixture.claimNew(lease);
      await fixture.dispatch().recordUnknown(attempt.id, 'no answer');
      const { attempt: sent } = await fixture.claimNew(lease);
      await webhooks().add(deliveredRun('a', 'queued'));
      expect(await fixture.emitted(takeAll)).toEqual([]);
      await fixture.dispatch().recordUnknown(sent.id, 'no answer');
      await webhooks().add(deliveredRun('b', 'queued'));
      expect(await fixture.emitted(takeAll)).toEqual(['webhook.run-unmatched']);
    });

    it('asks for them for an attempt that was given up only while it is watched', async () => {
      const { attempt } = await fixture.claimNew(lease);
      await at.database.write(({ db, now }) =>
        db
          .updateTable('attempts')
          .set({ state: 'absent', ended_at: now })
          .where('id', '=', attempt.id)
          .execute(),
      );
      await webhooks().add(deliveredRun('a', 'queued'));
      expect(await fixture.emitted(takeAll)).toEqual(['webhook.run-unmatched']);
      at.clock.advance(WATCHED_MS + 1);
      await webhooks().add(deliveredRun('b', 'queued'));
      expect(await fixture.emitted(takeAll)).toEqual([]);
    });

    it('last flowed at a time that has been, whatever the clock was before it was put back', async () => {
      const now = at.clock.now();
      await webhooks().add(deliveredRun('a', 'queued'));
      at.clock.set(now - HOUR_MS);
      expect((await webhooks().findFlow(FORGE)).receivedAt).toBeNull();
      await webhooks().add(deliveredRun('b', 'queued'));
      expect((await webhooks().findFlow(FORGE)).receivedAt).toBe(now - HOUR_MS);
    });

    it('remembers since when webhooks are missed', async () => {
      const start = at.clock.now();
      await webhooks().recordMiss(FORGE, 10_000);
      at.clock.advance(5_000);
      await webhooks().recordMiss(FORGE, 10_000);
      const flow = { missedSince: start, missedAt: start + 5_000, receivedAt: null };
      expect(await webhooks().findFlow(FORGE)).toEqual(flow);
      at.clock.advance(20_000);
      // Nothing has come since: still the same spell.
      await webhooks().recordMiss(FORGE, 10_000);
      expect((await webhooks().findFlow(FORGE)).missedSince).toBe(start);
      at.clock.advance(1);
      await webhooks().add(deliveredRun('a', 'queued'));
      at.clock.advance(20_000);
      await webhooks().recordMiss(FORGE, 10_000);
      expect((await webhooks().findFlow(FORGE)).missedSince).toBe(start + 45_001);
    });
  });
}
