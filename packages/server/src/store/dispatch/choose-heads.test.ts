import { describe, expect, it } from 'vitest';
import { planDispatch } from '../../domain/dispatch-plan/dispatch-plan.ts';
import { databases, useDatabase } from '../databases.testkit.ts';
import { fixtureOn, manual } from './dispatch.testkit.ts';

const allowances = [
  { credentialId: 'token', left: null, reason: null, message: '', retryAt: null },
];

for (const kind of databases) {
  describe(`which jobs the planner is shown on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const { start, add } = fixture;

    const sends = async () => {
      const plan = planDispatch({ ...(await fixture.load()), allowances });
      return plan.sends.map(({ jobId }) => jobId).sort();
    };
    const addWide = (id: string, runners: number) =>
      fixture.addTemplate(id, { workflowId: `${id}.yml`, correlationInput: 'id', runners });
    const addMany = async (count: number, over: Parameters<typeof add>[0]) => {
      for (let n = 0; n < count; n += 1) await add(over);
    };
    const blockRepo = () =>
      at.database.write(({ db, now }) =>
        db
          .insertInto('target_blocks')
          .values({
            ...{ forge_id: 'github', owner: 'acme', repo: 'app', workflow_id: '', ref: '' },
            ...{ kind: 'no-access', refusals: 1, message: 'x' },
            ...{ since: now - 600_000, next_probe_at: now - 1 },
          })
          .execute(),
      );

    it('those that need more runners than there are hide none behind them', async () => {
      await start();
      for (const runners of [9, 8, 7, 6, 5, 4, 3, 2]) await addWide(`w${runners}`, runners);
      await addWide('narrow', 1);
      await fixture.addRunners('1', '2');
      for (const runners of [9, 8, 7, 6, 5, 4, 3]) {
        await addMany(5, { templateId: `w${runners}` });
      }
      const behind = await add({ templateId: 'narrow' });
      await addMany(5, { templateId: 'narrow' });
      expect(await sends()).toContain(behind.id);
      expect(await sends()).toHaveLength(2);
    });

    it('those that need too many, each with a ref of its own, hide none behind them', async () => {
      await start();
      await addWide('wide', 5);
      await addWide('narrow', 1);
      await fixture.addRunners('1', '2');
      for (let n = 0; n < 120; n += 1) await add({ templateId: 'wide', ref: `r${n}` });
      const behind = [await add({ templateId: 'narrow' }), await add({ ...manual, ref: 'dev' })];
      expect(await sends()).toEqual(behind.map(({ id }) => id).sort());
    });

    it('one that waits to have several is not overtaken from behind those that need too many', async () => {
      await start();
      for (const runners of [5, 3]) await addWide(`w${runners}`, runners);
      await addWide('narrow', 1);
      await fixture.addRunners('1', '2');
      await fixture.addRunnersAs({ is_busy: 1 }, '3');
      await addMany(9, { templateId: 'w5' });
      await add({ templateId: 'w3' });
      await addMany(2, { templateId: 'narrow' });
      expect(await sends()).toEqual([]);
    });

    it.each([1, 6])(
      'a repository is probed by a job that there are runners for, where %i before it need too many',
      async (count) => {
        await start();
        await addWide('wide', 5);
        await addWide('narrow', 1);
        await fixture.addRunners('1', '2');
        await addMany(count, { templateId: 'wide' });
        const behind = await add({ templateId: 'narrow' });
        await blockRepo();
        expect(await sends()).toEqual([behind.id]);
      },
    );

    it('those whose only runner is kept for a run hide none of another repository', async () => {
      await start();
      const fence = await fixture.lease();
      const repos = Array.from({ length: 12 }, (_, n) => `r${n}`);
      for (const repo of [...repos, 'b']) {
        await fixture.addTemplate(repo, { owner: 'me', repo, correlationInput: 'id' });
        await fixture.addRunnersAs({ scope: `repo:me/${repo}` }, `runner of ${repo}`);
      }
      for (const templateId of repos) {
        const { attempt } = await fixture.claimNew(fence, { templateId });
        await fixture.dispatch().recordAccepted(attempt.id, { runId: templateId, runUrl: '' });
      }
      for (const templateId of repos) await addMany(20, { templateId });
      const behind = await add({ templateId: 'b' });
      expect(await sends()).toEqual([behind.id]);
    });

    it('those that leave the runners of a repository to one that needs several hide none of another', async () => {
      await start();
      const own = (repo: string) => ({ owner: 'me', repo, correlationInput: 'id' });
      await fixture.addTemplate('wide', { ...own('a'), runners: 3 });
      for (const repo of ['a', 'b']) await fixture.addTemplate(repo, own(repo));
      await fixture.addRunnersAs({ scope: 'repo:me/a' }, '1', '2');
      await fixture.addRunnersAs({ scope: 'repo:me/a', is_busy: 1 }, '3');
      await fixture.addRunnersAs({ scope: 'repo:me/b' }, '4');
      await add({ templateId: 'wide' });
      await addMany(12, { templateId: 'a' });
      const behind = await add({ templateId: 'b' });
      expect(await sends()).toEqual([behind.id]);
    });
  });
}
