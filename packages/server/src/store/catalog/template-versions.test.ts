import { describe, expect, it } from 'vitest';
import { databases, useDatabase } from '../databases.testkit.ts';
import { FORGE, fixtureOn } from '../dispatch/dispatch.testkit.ts';
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
    const fixture = fixtureOn(at);
    const sync = (template: SyncTemplate) =>
      makeCatalogStore(at.database).sync({ id: FORGE, kind: FORGE }, [
        {
          ...{ id: 'g', name: 'g', description: '', runnerLabels: ['linux'], runnerScopes: null },
          ...{ maxParallel: null, templates: [template] },
        },
      ]);
    const targets = async () =>
      (await fixture.load()).groups[0]?.head.map(({ repo, ref, runners }) => [repo, ref, runners]);
    const start = async () => {
      await fixture.start();
      await sync(then);
      await fixture.addRunners('1', '2', '3');
    };
    const versions = async () =>
      (await at.database.read.selectFrom('template_versions').selectAll().execute()).length;

    it('leaves them where they were queued for; later ones go where it says now', async () => {
      await start();
      await fixture.add();
      await sync(now);
      await fixture.add();
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
      const { id } = await fixture.add();
      await sync({ ...now, correlationInput: null });
      const claim = await fixture.dispatch().claim(await fixture.lease(), fixture.request(id));
      expect(claim?.attempt).toMatchObject({ repo: 'app', ref: 'main', runners: 1 });
      expect(claim?.inputs).toEqual({ n: 'old', id: claim?.attempt.id });
    });

    it('sends them with a correlation input that it got alone', async () => {
      await start();
      const { id } = await fixture.add();
      await sync({ ...then, defaultInputs: { n: 'new' } });
      await sync({ ...then, defaultInputs: { n: 'new' }, correlationInput: 'other' });
      const claim = await fixture.dispatch().claim(await fixture.lease(), fixture.request(id));
      expect(claim?.inputs).toEqual({ n: 'old', other: claim?.attempt.id });
    });

    it('does not reach one that is sent and comes back to the queue', async () => {
      await start();
      const { attempt } = await fixture.claimNew(await fixture.lease());
      await sync(now);
      await fixture.dispatch().giveBack(attempt.id, 'not sent');
      expect(await targets()).toEqual([['app', 'main', 1]]);
    });

    it('does not let jobs of its broken workflow hide those behind them', async () => {
      await start();
      for (let i = 0; i < 10; i += 1) await fixture.add();
      await sync({ ...now, repo: 'app' });
      const last = await fixture.add();
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
      expect((await fixture.load()).groups[0]?.head.map(({ id }) => id)).toEqual([last.id]);
      const kept = (await fixture.jobs().listQueue('g', {})).jobs[0];
      const fence = await fixture.lease();
      expect(
        await fixture.dispatch().claim(fence, fixture.request(kept?.id ?? '')),
      ).toBeUndefined();
    });

    it('is taken by a job, or by all, if somebody says so', async () => {
      await start();
      const one = await fixture.add({ inputs: { mine: '1' } });
      await fixture.add();
      await fixture.add({ ref: 'dev' });
      await sync(now);
      const emitted = await fixture.emitted(async () => {
        const outcome = await fixture.jobs().takeTemplate(one.id, 'anna');
        expect(outcome).toMatchObject({ ok: true, value: { inputs: { n: 'new', mine: '1' } } });
      });
      expect(emitted).toEqual(['job.template-taken']);
      expect(await fixture.jobs().takeTemplateByAll('t', 'anna')).toBe(2);
      expect(await fixture.jobs().takeTemplateByAll('t', 'anna')).toBe(0);
      expect(await fixture.emitted(() => fixture.jobs().takeTemplate(one.id, 'anna'))).toEqual([]);
      expect(await targets()).toEqual([
        ['lib', 'v2', 2],
        ['lib', 'v2', 2],
        ['lib', 'dev', 2],
      ]);
    });

    it('is not taken by a job that is sent', async () => {
      await start();
      const { attempt } = await fixture.claimNew(await fixture.lease());
      await sync(now);
      expect(await fixture.jobs().takeTemplate(attempt.jobId, 'anna')).toMatchObject({
        ok: false,
        reason: 'wrong-state',
      });
      expect(await fixture.jobs().takeTemplateByAll('t', 'anna')).toBe(0);
    });

    it('is taken by each requeue, but for the inputs', async () => {
      await start();
      const { attempt } = await fixture.claimNew(await fixture.lease(), { autoRequeue: true });
      await sync(now);
      await fixture.jobs().cancelJob(attempt.jobId, 'anna');
      expect(await targets()).toEqual([['lib', 'v2', 2]]);
      const [next] = (await fixture.jobs().listQueue('g', {})).jobs;
      expect(next?.inputs).toEqual({ n: 'old' });
    });

    it('is remembered only while a job needs it', async () => {
      await start();
      await sync(now);
      expect(await versions()).toBe(0);
      const { id } = await fixture.add();
      await sync({ ...now, ref: 'v3' });
      expect(await versions()).toBe(1);
      await fixture.jobs().deleteJob(id, 'anna');
      await sync({ ...now, ref: 'v4' });
      expect(await versions()).toBe(0);
    });

    it('never makes a mix with a job that is added meanwhile', async () => {
      await start();
      const job = await fixture.race(
        async (tx) => {
          const from = await tx.db.selectFrom('templates').selectAll().executeTakeFirstOrThrow();
          await keepVersion(tx, from);
          const to = { ref: 'v2', default_inputs: '{"n":"new"}' };
          await tx.db.updateTable('templates').set(to).execute();
        },
        () => fixture.add(),
      );
      const [target] = (await targets()) ?? [];
      expect([job.inputs?.['n'], target?.[1]]).toEqual(['new', 'v2']);
    });
  });
}
