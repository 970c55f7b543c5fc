import { describe, expect, it } from 'vitest';
import { startWorld } from './harness/start-world.ts';
import { databases } from './harness/world.ts';

for (const database of databases) {
  describe(`a shutdown on ${database.name}`, () => {
    it('waits for the answer to a dispatch on its way, and stores it', async () => {
      const world = await startWorld({ database });
      const { id: hold } = world.sim.addFault({ on: 'dispatch', kind: 'hold' });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.forge('a dispatch without an answer', ({ runs }) => runs.length === 1);
      const restarted = world.restart();
      world.sim.release(hold);
      await restarted;
      await world.job(id, 'completed');
      const events = await world.store.events.listAfter(0, 1_000);
      const kinds = events.map(({ kind }) => kind).filter((kind) => kind.startsWith('attempt.'));
      expect(kinds).toContain('attempt.accepted');
      expect(kinds).not.toContain('attempt.unknown');
      expect(world.ourRuns()).toHaveLength(1);
    });

    it('starts nothing more, and the next process goes on at once', async () => {
      const world = await startWorld({ database });
      await world.api.pauseGroup('linux');
      const jobs = [
        await world.api.enqueue('linux', { template_id: 'build' }),
        await world.api.enqueue('linux', { template_id: 'build' }),
      ];
      await world.api.unpauseGroup('linux');
      await world.restart();
      for (const { id } of jobs) await world.job(id, 'completed');
      expect(world.ourRuns()).toHaveLength(2);
      // Leases were handed over: nobody had to wait for their end.
      expect((await world.store.leases.list()).every(({ epoch }) => epoch <= 2)).toBe(true);
    });
  });
}
