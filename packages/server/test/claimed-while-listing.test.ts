import { describe, expect, it } from 'vitest';
import { impatient } from './harness/config-file.ts';
import { acme } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, type World } from './harness/world.ts';

const SLOW = { 'duration-ms': '600000' };

/** A dispatch that is answered with a 502, and starts nothing. */
async function loseDispatch(world: World): Promise<string> {
  world.sim.addFault({ on: 'dispatch', kind: 'status-before' });
  const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: SLOW });
  await world.forge('a dispatch that failed', ({ requests }) =>
    requests.some(({ endpoint, status }) => endpoint === 'dispatch' && status === 502),
  );
  return id;
}

/** Claimed, sent and started while a listing of runs is on its way: that listing shows its run. Its answer is lost. */
async function startWhileListing(world: World): Promise<string> {
  const { id: hold } = world.sim.addFault({ on: 'listRuns', kind: 'hold-before' });
  await world.forge('a listing on its way', ({ requests }) =>
    requests.some(({ fault }) => fault === 'hold-before'),
  );
  world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
  const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: SLOW });
  await world.forge('its run', ({ runs }) => runs.length === 1);
  world.sim.release(hold);
  return id;
}

for (const database of databases) {
  describe(`a run that was made while a listing was on its way, on ${database.name}`, () => {
    it('is not taken for that of an attempt that started nothing', async () => {
      const world = await startWorld({ database, forge: acme(2) });
      const lost = await loseDispatch(world);
      // Whose a lone run is can be told by times alone, once no request is on its way any more.
      await world.moveTime(5_000);
      const started = await startWhileListing(world);
      await world.moveTime(60_000);
      await world.job(started, 'running');
      await world.moveTime(300_000);
      const again = await world.job(lost, 'running');
      const [first, second] = world.ourRuns();
      expect(again.run_id).toBe(second?.id);
      expect((await world.api.job(started)).run_id).toBe(first?.id);
      expect(world.ourRuns()).toHaveLength(2);
    });

    it('is not cancelled as the late one of an attempt that was called absent', async () => {
      const world = await startWorld({ database, forge: acme(2), config: impatient });
      await world.api.cancel(await loseDispatch(world));
      await world.until(
        'an absent attempt',
        () => world.store.runs.listWatched('github', 0),
        (absent) => absent.length === 1,
      );
      const started = await startWhileListing(world);
      const { run_id } = await world.job(started, 'running');
      world.sim.completeRun(run_id ?? 0, 'success');
      await world.job(started, 'completed');
      expect(world.ourRuns().map(({ conclusion }) => conclusion)).toEqual(['success']);
    });
  });
}
