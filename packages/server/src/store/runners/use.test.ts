import { beforeEach, describe, expect, it } from 'vitest';
import { databases, useDatabase } from '../databases.testkit.ts';
import { FORGE, fixtureOn } from '../dispatch/dispatch.testkit.ts';
import { makeEventStore } from '../events.ts';
import { makeLeaseStore } from '../leases.ts';
import type { Fence } from '../port/leases.ts';
import type { RunnerSync } from '../port/runners.ts';
import { applyObservation } from '../webhooks/apply.ts';
import { makeWebhookStore } from '../webhooks/webhooks.ts';
import { recordListing } from './record-listing.ts';
import { makeRunnerStore } from './runners.ts';

const SCOPE = 'org:acme';

for (const kind of databases) {
  describe(`what workflow jobs tell of runners on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const runners = () => makeRunnerStore(at.database);
    let poll: Fence;
    let inbox: Fence;
    let attemptId: string;
    let moment: number;

    beforeEach(async () => {
      await fixture.start();
      await fixture.addRunners('3');
      const leases = makeLeaseStore(at.database);
      poll = (await leases.tryAcquire('poll', 'one', 600_000))!;
      inbox = (await leases.tryAcquire('inbox', 'one', 600_000))!;
      attemptId = (await fixture.claimNew(await fixture.lease())).attempt.id;
      await fixture.dispatch().recordAccepted(attemptId, { runId: '1', runUrl: '' });
      moment = at.clock.advance(10_000);
    });

    const listingOf = (isBusy: boolean, sentAt = moment): RunnerSync => ({
      ...{ forgeId: FORGE, scope: SCOPE, sentAt, unseenMs: 180_000, etags: ['e'] },
      runners: [
        {
          ...{ forgeRunnerId: '3', name: 'runner-3', labels: ['linux'], os: 'linux' },
          ...{ status: 'online', isBusy },
        },
      ],
    });
    const list = (isBusy: boolean, sentAt = moment) =>
      runners().recordListing(poll, listingOf(isBusy, sentAt));
    const partOf = (status: string, atMs: number) =>
      fixture.workflowJob('7', {
        ...{ status, runnerId: '3', runnerName: 'runner-3', startedAt: moment - 5_000 },
        completedAt: status === 'completed' ? atMs : null,
      });
    const look = (status: string, atMs = moment) =>
      fixture.runs().recordWorkflowJobs(attemptId, [partOf(status, atMs)], atMs);
    const observationOf = (status: string, atMs = moment) => ({
      ...({ kind: 'workflow-job', owner: 'acme', repo: 'app' } as const),
      ...{ job: partOf(status, atMs), at: atMs },
    });
    const tell = async (status: string, atMs = moment): Promise<void> => {
      const webhooks = makeWebhookStore(at.database);
      const id = `${status}-${atMs}`;
      const observation = observationOf(status, atMs);
      await webhooks.add({ forgeId: FORGE, id, event: 'workflow_job', observation });
      await webhooks.take(inbox, await webhooks.listOpen(FORGE, 50), 0);
    };
    const isBusy = async () => (await runners().listRunners())[0]?.isBusy;
    const etags = async () => (await runners().listScopes(FORGE))[0]?.etags;

    for (const [way, use] of [
      ['a look', look],
      ['a webhook', tell],
    ] as const) {
      it(`gives way to a listing of the same moment, before ${way} or after it`, async () => {
        await list(false);
        await use('in_progress');
        expect(await isBusy()).toBe(false);
        expect(await etags()).toEqual(['e']);
        moment += 10_000;
        await use('in_progress');
        expect(await isBusy()).toBe(true);
        await list(false);
        expect(await isBusy()).toBe(false);
        // The rows show the listing, so "unchanged" may vouch for them.
        expect(await etags()).toEqual(['e']);
      });

      it(`counts when ${way} is later than the listing, and is told in one shape`, async () => {
        await list(false, moment - 1);
        const before = await makeEventStore(at.database).lastSeq();
        await use('in_progress');
        expect(await isBusy()).toBe(true);
        expect(await etags()).toEqual([]);
        const events = await makeEventStore(at.database).listAfter(before, 50);
        const free = { name: 'runner-3', status: 'online', isBusy: false, labels: ['linux'] };
        const data = {
          scope: SCOPE,
          from: free,
          to: { ...free, isBusy: true },
          isUseChanged: true,
        };
        expect(events.filter((event) => event.kind === 'runner.changed')).toMatchObject([
          { data: { ...data, runId: '1' } },
        ]);
      });

      it(`gives way to a listing of the same moment that is not committed yet when ${way} comes`, async () => {
        await fixture.race(
          (tx) => recordListing(tx, at.replica, poll, listingOf(false)),
          () => use('in_progress'),
        );
        expect(await isBusy()).toBe(false);
        expect(await etags()).toEqual(['e']);
      });

      it(`says nothing of a runner whose scope is listed no more (${way})`, async () => {
        await at.database.write(({ db }) => db.deleteFrom('runner_scopes').execute());
        await use('in_progress');
        expect(await isBusy()).toBe(false);
      });
    }

    it('gives way to a listing of the same moment that comes before it is committed', async () => {
      await fixture.race(
        (tx) => applyObservation(tx, FORGE, observationOf('in_progress'), 0),
        () => list(false),
      );
      // Else it would stay so: what the listing's ETags vouch for is not looked at again.
      expect(await isBusy()).toBe(false);
      expect(await etags()).toEqual(['e']);
    });

    it('keeps an end told by a webhook when a look sent after it lags behind', async () => {
      await list(true, moment - 10_000);
      await tell('completed', moment - 1_000);
      expect(await isBusy()).toBe(false);
      await look('in_progress');
      expect(await isBusy()).toBe(false);
    });

    it('gives way to a listing of the moment of an end, too', async () => {
      await list(true);
      await tell('completed');
      expect(await isBusy()).toBe(true);
    });

    it('are busy with an ended run until a webhook or a listing says that they left it', async () => {
      const areBusy = () => runners().areBusyWithEnded([attemptId]);
      const end = (atMs: number) =>
        fixture
          .runs()
          .recordRun(
            attemptId,
            fixture.run('1', { status: 'completed', conclusion: 'success' }),
            atMs,
          );
      await list(false, moment - 1_000);
      await tell('in_progress');
      expect(await areBusy()).toBe(false);
      await end(moment + 5_000);
      expect(await areBusy()).toBe(true);
      // By then another run may have it.
      await list(true, moment + 6_000);
      expect(await areBusy()).toBe(false);
    });

    it('are not busy with an ended run once its workflow job has ended', async () => {
      await list(false, moment - 1_000);
      await tell('in_progress');
      await tell('completed', moment + 4_000);
      const run = fixture.run('1', { status: 'completed', conclusion: 'success' });
      await fixture.runs().recordRun(attemptId, run, moment + 5_000);
      expect(await runners().areBusyWithEnded([attemptId])).toBe(false);
    });
  });
}
