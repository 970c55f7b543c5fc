import { beforeEach, describe, expect, it } from 'vitest';
import type { Run } from '../../domain/attempt.ts';
import { databases, useDatabase } from '../databases.testkit.ts';
import { FORGE, fixtureOn } from '../dispatch/dispatch.testkit.ts';
import { makeLeaseStore } from '../leases.ts';
import type { NewDelivery } from '../port/webhooks.ts';
import { makeWebhookStore } from './webhooks.ts';

for (const kind of databases) {
  describe(`runs that webhooks have told of, on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const webhooks = () => makeWebhookStore(at.database);
    let deliveries = 0;

    beforeEach(async () => {
      await fixture.start();
    });

    const tell = async (
      run: Partial<Run> & Pick<Run, 'id'>,
      over: { readonly repo?: string; readonly at?: number } = {},
    ): Promise<void> => {
      const { repo = 'app', at: deliveredAt = at.clock.now() } = over;
      const delivered: Run = { ...fixture.run(run.id), ...run };
      const observation = {
        kind: 'run',
        owner: 'acme',
        repo,
        run: delivered,
        at: deliveredAt,
      } as const;
      await add({ event: 'workflow_run', observation });
    };
    const add = async (delivered: Pick<NewDelivery, 'event' | 'observation'>): Promise<void> => {
      deliveries += 1;
      await webhooks().add({ forgeId: FORGE, id: `delivery ${deliveries}`, ...delivered });
    };
    const takeAll = async (): Promise<void> => {
      const leases = makeLeaseStore(at.database);
      const fence = (await leases.tryAcquire('take-webhooks:github', 'one', 600_000))!;
      await webhooks().take(fence, await webhooks().listOpen(FORGE, 1_000), 0);
    };
    const list = (
      over: { readonly receivedSince?: number; readonly mostDeliveries?: number } = {},
    ) =>
      webhooks().listDeliveredRuns(FORGE, {
        owner: 'acme',
        repo: 'app',
        receivedSince: 0,
        ...over,
      });
    const ids = (runs: readonly Run[]) => runs.map(({ id }) => id).toSorted();

    it('are there before and after they are applied, whole', async () => {
      const delivered = { ...fixture.run('7'), name: 'Build aaaa' };
      await tell(delivered);
      expect(await list()).toEqual([delivered]);
      await takeAll();
      expect(await list()).toEqual([delivered]);
    });

    it('are those of one repository, in any case of its name, that listings might show', async () => {
      await tell({ id: '1' }, { repo: 'App' });
      await tell({ id: '2' }, { repo: 'lib' });
      await tell({ id: '3', event: 'push' });
      const job = fixture.workflowJob('9', { runId: '4' });
      const observation = { kind: 'workflow-job', owner: 'acme', repo: 'app', job, at: 1 } as const;
      await add({ event: 'workflow_job', observation });
      expect(ids(await list())).toEqual(['1']);
      const place = { owner: 'Acme', repo: 'APP', receivedSince: 0 };
      expect(ids(await webhooks().listDeliveredRuns(FORGE, place))).toEqual(['1']);
      expect(await webhooks().listDeliveredRuns('another', place)).toEqual([]);
    });

    it('each are as far as they were told to have come, in whatever order', async () => {
      const now = at.clock.now();
      await tell({ id: '1', status: 'completed', conclusion: 'success' }, { at: now });
      at.clock.advance(1);
      await tell({ id: '1', status: 'in_progress' }, { at: now });
      await tell({ id: '2', status: 'completed', conclusion: 'failure' });
      await tell({ id: '2', status: 'queued', attempt: 2 });
      const byId = new Map((await list()).map((run) => [run.id, run]));
      expect(byId.get('1')).toMatchObject({ status: 'completed', conclusion: 'success' });
      expect(byId.get('2')).toMatchObject({ status: 'queued', attempt: 2 });
    });

    it('are those of deliveries since, and of the latest so many', async () => {
      await tell({ id: '1' });
      const receivedSince = at.clock.advance(1_000);
      await tell({ id: '2' });
      at.clock.advance(1_000);
      await tell({ id: '3' });
      expect(ids(await list({ receivedSince }))).toEqual(['2', '3']);
      expect(ids(await list({ mostDeliveries: 1 }))).toEqual(['3']);
    });

    it('are all found, though there are more than are read at a time, many of one moment', async () => {
      const many = Array.from({ length: 600 }, (_, n) => String(n + 1));
      for (const [n, id] of many.entries()) {
        if (n % 300 === 0) at.clock.advance(1);
        await tell({ id });
      }
      expect(ids(await list())).toEqual(many.toSorted());
      expect(await list({ mostDeliveries: 260 })).toHaveLength(260);
    });
  });
}
