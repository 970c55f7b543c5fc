import { describe, expect, it } from 'vitest';
import { databases, useDatabase } from '../databases.testkit.ts';
import { FORGE, sceneOn } from '../dispatch/dispatch.testkit.ts';
import type { SyncTemplate } from '../port/catalog.ts';
import { makeRunnerStore } from '../runners/runners.ts';
import { makeCatalogStore } from './catalog.ts';
import { keepVersion } from './template-versions.ts';

const then: SyncTemplate = {
  ...{ id: 't', name: 't', owner: 'acme', repo: 'app', workflowId: 'ci.yml', ref: 'main' },
  ...{ defaultInputs: { n: 'old' }, labels: null, runners: 1, correlationInput: 'id' },
  ...{ sourceType: 'inline', sourcePath: '' },
};
const now = { ...then, repo: 'lib', ref: 'v2', defaultInputs: { n: 'new' }, runners: 2 };

for (const kind of databases) {
  describe(`a template that changes while jobs wait, on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const scene = sceneOn(at);
    const sync = (template: SyncTemplate) =>
      makeCatalogStore(at.database).sync({ id: FORGE, kind: FORGE }, [
        {
          ...{ id: 'g', name: 'g', description: '', runnerLabels: ['linux'], runnerScopes: null },
          ...{ maxParallel: null, templates: [template] },
        },
      ]);
    const targets = async () =>
      (await scene.load()).groups[0]?.head.map(({ repo, ref, runners }) => [repo, ref, runners]);
    const start = async () => {
      await scene.start();
      await sync(then);
      await scene.addRunners('1', '2', '3');
    };
    const versions = async () =>
      (await at.database.read.selectFrom('template_versions').selectAll().execute()).length;

    it('leaves them where they were queued for; later ones go where it says now', async () => {
      await start();
      await scene.add();
      await sync(now);
      await scene.add();
      expect(await targets()).toEqual([
        ['app', 'main', 1],
        ['lib', 'v2', 2],
      ]);
      expect(await makeRunnerStore(at.database).listUsedRepos(FORGE)).toEqual([
        { groupId: 'g', owner: 'acme', repo: 'lib' },
        { groupId: 'g', owner: 'acme', repo: 'app' },
      ]);
    });

    it('is claimed as it was queued, with the correlation input of that workflow', async () => {
      await start();
      const { id } = await scene.add();
      await sync({ ...now, correlationInput: null });
      const claim = await scene.dispatch().claim(await scene.lease(), scene.request(id));
      expect(claim?.attempt).toMatchObject({ repo: 'app', ref: 'main', runners: 1 });
      expect(claim?.inputs).toEqual({ n: 'old', id: claim?.attempt.id });
    });

    it('sends them with a correlation input that it got alone', async () => {
      await start();
      const { id } = await scene.add();
      await sync({ ...then, defaultInputs: { n: 'new' } });
      await sync({ ...then, defaultInputs: { n: 'new' }, correlationInput: 'other' });
      const claim = await scene.dispatch().claim(await scene.lease(), scene.request(id));
      expect(claim?.inputs).toEqual({ n: 'old', other: claim?.attempt.id });
    });

    it('does not reach one that is sent and comes back to the queue', async () => {
      await start();
      const { attempt } = await scene.claimNew(await scene.lease());
      await sync(now);
      await scene.dispatch().giveBack(attempt.id, 'not sent');
      expect(await targets()).toEqual([['app', 'main', 1]]);
    });

    it('does not let jobs of its broken workflow hide those behind them', async () => {
      await start();
      for (let i = 0; i < 10; i += 1) await scene.add();
      await sync({ ...now, repo: 'app' });
      const last = await scene.add();
      const block = { forge_id: FORGE, owner: 'acme', repo: 'app', workflow_id: 'ci.yml' };
      await at.database.write(({ db }) =>
        db
          .insertInto('target_blocks')
          .values({
            ...{ ...block, ref: 'main', kind: 'template-broken', refusals: 3, message: '' },
            ...{ since: 0, next_probe_at: at.clock.now() + 60_000 },
          })
          .execute(),
      );
      expect((await scene.load()).groups[0]?.head.map(({ id }) => id)).toEqual([last.id]);
      const kept = (await scene.jobs().listQueue('g', {})).jobs[0];
      const fence = await scene.lease();
      expect(await scene.dispatch().claim(fence, scene.request(kept?.id ?? ''))).toBeUndefined();
    });

    it('is taken by a job, or by all, if somebody says so', async () => {
      await start();
      const one = await scene.add({ inputs: { mine: '1' } });
      await scene.add();
      await scene.add({ ref: 'dev' });
      await sync(now);
      const emitted = await scene.emitted(async () => {
        const outcome = await scene.jobs().takeTemplate(one.id, 'anna');
        expect(outcome).toMatchObject({ ok: true, value: { inputs: { n: 'new', mine: '1' } } });
      });
      expect(emitted).toEqual(['job.template-taken']);
      expect(await scene.jobs().takeTemplateByAll('t', 'anna')).toBe(2);
      expect(await scene.jobs().takeTemplateByAll('t', 'anna')).toBe(0);
      expect(await scene.emitted(() => scene.jobs().takeTemplate(one.id, 'anna'))).toEqual([]);
      expect(await targets()).toEqual([
        ['lib', 'v2', 2],
        ['lib', 'v2', 2],
        ['lib', 'dev', 2],
      ]);
    });

    it('is not taken by a job that is sent', async () => {
      await start();
      const { attempt } = await scene.claimNew(await scene.lease());
      await sync(now);
      expect(await scene.jobs().takeTemplate(attempt.jobId, 'anna')).toMatchObject({
        ok: false,
        reason: 'wrong-state',
      });
      expect(await scene.jobs().takeTemplateByAll('t', 'anna')).toBe(0);
    });

    it('is taken by each requeue, but for the inputs', async () => {
      await start();
      const { attempt } = await scene.claimNew(await scene.lease(), { autoRequeue: true });
      await sync(now);
      await scene.jobs().cancelJob(attempt.jobId, 'anna');
      expect(await targets()).toEqual([['lib', 'v2', 2]]);
      const [next] = (await scene.jobs().listQueue('g', {})).jobs;
      expect(next?.inputs).toEqual({ n: 'old' });
    });

    it('is remembered only while a job needs it', async () => {
      await start();
      await sync(now);
      expect(await versions()).toBe(0);
      const { id } = await scene.add();
      await sync({ ...now, ref: 'v3' });
      expect(await versions()).toBe(1);
      await scene.jobs().deleteJob(id, 'anna');
      await sync({ ...now, ref: 'v4' });
      expect(await versions()).toBe(0);
    });

    it('never makes a mix with a job that is added meanwhile', async () => {
      await start();
      const job = await scene.race(
        async (tx) => {
          const from = await tx.db.selectFrom('templates').selectAll().executeTakeFirstOrThrow();
          await keepVersion(tx, from);
          const to = { ref: 'v2', default_inputs: '{"n":"new"}' };
          await tx.db.updateTable('templates').set(to).execute();
        },
        () => scene.add(),
      );
      const [target] = (await targets()) ?? [];
      expect([job.inputs?.['n'], target?.[1]]).toEqual(['new', 'v2']);
    });
  });
}
