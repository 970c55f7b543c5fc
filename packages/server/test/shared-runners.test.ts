import { describe, expect, it } from 'vitest';
import { acme, LINUX, LONG, linuxGroup, runners, template } from './harness/fixtures.ts';
import { mostLiveRuns } from './harness/live-runs.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, type World } from './harness/world.ts';

const GPU = [...LINUX, 'gpu'];

const config = {
  groups: {
    github: [
      linuxGroup,
      {
        id: 'gpu',
        runner_labels: GPU,
        workflow_dispatch_templates: [
          template({ id: 'train', inputs: { 'runs-on': JSON.stringify(GPU) } }),
        ],
      },
    ],
  },
};

const forge = acme(2, { runners: runners(1, GPU) });

async function setAllOnline(world: World, online: boolean): Promise<void> {
  for (const { id } of world.sim.ledger().runners) world.sim.setRunner(id, { online });
  const status = online ? 'online' : 'offline';
  await world.until(
    `all runners ${status}`,
    () => world.api.runners(),
    (seen) => seen.length === 3 && seen.every((runner) => runner.status === status),
  );
}

for (const database of databases) {
  describe(`two groups that share runners on ${database.name}`, () => {
    it('never have more runs under way than there are runners (defect #33)', async () => {
      const world = await startWorld({ database, config, forge });
      const added: string[] = [];
      for (let index = 0; index < 6; index += 1) {
        const inputs = { 'duration-ms': String(20 + 15 * index) };
        added.push((await world.api.enqueue('linux', { template_id: 'build', inputs })).id);
        added.push((await world.api.enqueue('gpu', { template_id: 'train', inputs })).id);
      }
      for (const id of added) await world.job(id, 'completed');
      expect(world.ourRuns()).toHaveLength(12);
      expect(mostLiveRuns(world.ourRuns())).toBeLessThanOrEqual(3);
    });

    it('leave the special runner to the job that needs it, though others came first', async () => {
      const world = await startWorld({ database, config, forge });
      await setAllOnline(world, false);
      for (let index = 0; index < 2; index += 1) {
        await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      }
      await world.api.enqueue('gpu', { template_id: 'train', inputs: LONG });
      await setAllOnline(world, true);
      await world.forge('three runs', ({ runs }) => runs.length === 3);
      const asked = world.ourRuns().map(({ inputs }) => inputs['runs-on']);
      expect(asked.filter((labels) => labels === JSON.stringify(GPU))).toHaveLength(1);
    });

    it('use all free runners at once, not one a cycle (defect #33)', async () => {
      // Nothing but what was just freed wakes the dispatcher: its interval is out of reach.
      const slow = { ...config, dispatcher: { interval: '10m' } };
      const world = await startWorld({ database, config: slow, forge });
      await setAllOnline(world, false);
      for (let index = 0; index < 3; index += 1) {
        await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      }
      await setAllOnline(world, true);
      await world.forge('a run on each', ({ runs }) => runs.length === 3);
      expect(new Set(world.ourRuns().map(({ jobs }) => jobs[0]?.runnerName)).size).toBe(3);
    });

    it('keep to max_parallel of a group', async () => {
      const [first, second] = config.groups.github;
      const capped = { groups: { github: [{ ...first, max_parallel: 1 }, second] } };
      const world = await startWorld({ database, config: capped, forge });
      const one = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      const running = await world.job(one.id, 'running');
      const two = await world.api.enqueue('linux', { template_id: 'build' });
      await world.why(two.id, 'cap');
      world.sim.completeRun(running.run_id ?? 0, 'success');
      await world.job(two.id, 'completed');
    });
  });
}
