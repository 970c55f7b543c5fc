import { describe, expect, it } from 'vitest';
import { databases, useDatabase } from '../databases.testkit.ts';
import { fixtureOn, manual } from './dispatch.testkit.ts';

const MINUTE = 60_000;

for (const kind of databases) {
  describe(`which probes the planner is shown on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const { start, add, load, block } = fixture;

    const group = async (id = 'g') => (await load()).groups.find((one) => one.id === id)!;
    const head = async (id = 'g') => (await group(id)).head.map((job) => job.id);

    it('tells which jobs are probes of what always fails, until such a probe has waited for ten minutes', async () => {
      await start();
      await fixture.addTemplate('u', { workflowId: 'other.yml' });
      await fixture.addRunners('1');
      const failing = await add();
      const other = await add({ templateId: 'u' });
      await block({ ref: '', kind: 'failing', refusals: 2 });
      await block({ workflow_id: 'other.yml', ref: '', kind: 'not-found' });
      await block({ workflow_id: 'tried-anew.yml', ref: '', kind: 'failing', refusals: 0 });
      const yielding = async () =>
        (await group()).head.filter(({ isYielding }) => isYielding).map(({ id }) => id);
      at.clock.advance(MINUTE);
      expect(await head()).toEqual([failing.id, other.id]);
      expect(await yielding()).toEqual([failing.id]);
      at.clock.advance(10 * MINUTE - 1);
      expect(await yielding()).toEqual([failing.id]);
      at.clock.advance(1);
      expect(await yielding()).toEqual([]);
    });

    it('counts of workflows that fail only those that a job waits for: of a deleted one nobody hears that it works', async () => {
      await start();
      await fixture.addRunners('1');
      const job = await add();
      for (const gone of ['1.yml', '2.yml', '3.yml']) {
        await block({ workflow_id: gone, ref: '', kind: 'failing', refusals: 1 });
      }
      await block({ ref: '', kind: 'failing', refusals: 2 });
      at.clock.advance(11 * MINUTE);
      expect((await group()).head).toMatchObject([{ id: job.id, isYielding: false }]);
    });

    it('shows one job of a blocked target once its probe is due', async () => {
      await start();
      await fixture.addRunners('1', '2', '3', '4');
      await block({});
      const [first] = [await add(), await add(), await add({ ...manual })];
      const fine = await add({ ref: 'dev' });
      expect(await head()).toEqual([fine.id]);
      at.clock.advance(MINUTE);
      await fixture.addRunnersAs({ scope: 'org:acme' });
      expect(await head()).toEqual([first.id, fine.id]);
    });

    it.each([
      ['a template', {}],
      ['jobs added by hand', manual],
    ])('shows those behind many jobs of %s whose probe is due, at once', async (_, probed) => {
      await start();
      await fixture.addTemplate('u', { workflowId: 'other.yml' });
      await fixture.addRunners('1');
      await block({ kind: 'failing', ref: '', next_probe_at: at.clock.now() });
      const added = [];
      for (let n = 0; n < 9; n += 1) added.push((await add(probed)).id);
      for (let n = 0; n < 40; n += 1) await add({ ...probed, ref: `pr-${n}` });
      const behind = [await add({ templateId: 'u' }), await add({ ...manual, repo: 'fine' })];
      expect(await head()).toEqual([added[0], ...behind.map(({ id }) => id)]);
    });

    it('shows those behind dozens of workflows whose probes are due', async () => {
      await start();
      await fixture.addRunners('1');
      for (let n = 0; n < 60; n += 1) {
        const workflowId = `bad-${n}.yml`;
        await block({ kind: 'failing', workflow_id: workflowId, ref: '', next_probe_at: 0 });
        if (n % 2 === 0) await add({ ...manual, workflowId });
        else {
          await fixture.addTemplate(`bad-${n}`, { workflowId });
          await add({ templateId: `bad-${n}` });
        }
      }
      await fixture.addTemplate('u', { workflowId: 'other.yml' });
      const behind = [await add({ templateId: 'u' }), await add({ ...manual, repo: 'fine' })];
      expect(await head()).toEqual(expect.arrayContaining(behind.map(({ id }) => id)));
    });

    it('probes a manual job where no template has the target', async () => {
      await start();
      await fixture.addRunners('1');
      await block({ kind: 'no-access', repo: 'gone', workflow_id: '', ref: '' });
      const gone = await add({ ...manual, repo: 'gone' });
      expect(await head()).toEqual([]);
      at.clock.advance(MINUTE);
      expect(await head()).toEqual([gone.id]);
    });
  });
}
