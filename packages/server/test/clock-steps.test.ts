import { describe, expect, it } from 'vitest';
import { impatient } from './harness/config-file.ts';
import { acme, LONG } from './harness/scenes.ts';
import { databases, startWorld, type World } from './harness/world.ts';

/** A dispatch that was taken, with its answer lost; nobody sees the run before `clearFaults`. */
async function loseAnswer(world: World): Promise<string> {
  world.sim.addFault({ on: 'listRuns', kind: 'status-before', times: 'always' });
  world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
  const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
  await world.forge('the lost run', ({ runs }) => runs.length === 1);
  await world.until(
    'the answer is missed',
    () => world.store.runs.listLive('github'),
    ([attempt]) => attempt?.state === 'unknown',
  );
  return id;
}

const STEPS: Readonly<Record<string, (world: World) => void>> = {
  'our clock is put forward': ({ clock }) => {
    clock.moveBy(600_000);
  },
  'the forge’s clock is put forward': ({ sim }) => {
    sim.clock.setOffset(150_000);
  },
};

const DAY_MS = 86_400_000;

/** Two more clean-ups have begun: the first of them is over. */
async function cleanUpTwice(world: World): Promise<void> {
  const count = (): number =>
    world.logLines.filter((line) => line.includes('ahead of the forge')).length;
  const before = count();
  await world.until('two more clean-ups', count, (now) => now >= before + 2);
}

for (const database of databases) {
  describe(`our clock put 400 days forward, on ${database.name}`, () => {
    it('deletes no history, not by a restart either, before the forge’s clock agrees', async () => {
      const config = { history: { retention_days: 1, cleanup_interval: '100ms' } };
      const world = await startWorld({ database, config, exceptions: { hiddenRuns: 1 } });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(id, 'completed');
      const history = async () => (await world.api.wholeHistory('linux')).map((job) => job.id);
      world.clock.step(400 * DAY_MS);
      await cleanUpTwice(world);
      await world.restart();
      await cleanUpTwice(world);
      // A login lasts a day, by our clock.
      await world.login();
      expect(await history()).toEqual([id]);
      await world.moveTime(2 * DAY_MS);
      await world.login();
      await world.until('it is deleted', history, ({ length }) => length === 0);
      world.api.deleted.add(id);
    });
  });

  describe(`a dispatch whose answer was lost, on ${database.name}`, () => {
    it.each(Object.keys(STEPS))(
      'finds its run, and starts no second one, though %s',
      async (step) => {
        const world = await startWorld({ database, config: impatient, forge: acme(2) });
        const id = await loseAnswer(world);
        STEPS[step]?.(world);
        world.sim.clearFaults();
        const running = await world.job(id, 'running');
        expect(world.ourRuns().map((run) => run.id)).toEqual([running.run_id]);
      },
    );
  });
}
