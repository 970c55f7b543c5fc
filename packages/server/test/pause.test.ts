import { describe, expect, it } from 'vitest';
import { LONG } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases } from './harness/world.ts';

for (const database of databases) {
  describe(`a pause on ${database.name}`, () => {
    it('of a job lets the next one go first', async () => {
      const world = await startWorld({ database });
      await world.api.pauseGroup('linux');
      const first = await world.api.enqueue('linux', { template_id: 'build' });
      const second = await world.api.enqueue('linux', { template_id: 'build' });
      expect((await world.api.pause(first.id)).status).toBe(200);
      expect((await world.api.pause(first.id)).status).toBe(200);
      await world.api.unpauseGroup('linux');
      await world.job(second.id, 'completed');
      expect(await world.api.job(first.id)).toMatchObject({ status: 'pending', paused: true });
      await world.why(first.id, 'job-paused');
      expect((await world.api.unpause(first.id)).status).toBe(200);
      await world.job(first.id, 'completed');
    });

    it('of a job is refused once the job is no longer pending', async () => {
      const world = await startWorld({ database });
      const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      await world.job(id, 'running');
      expect((await world.api.pause(id)).status).toBe(400);
      expect((await world.api.unpause('no-such-job')).status).toBe(400);
    });

    it('of a group keeps its jobs, survives a restart, and ends with the unpause', async () => {
      const world = await startWorld({ database });
      expect(await world.api.pauseGroup('linux')).toMatchObject({ paused: true });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.why(id, 'group-paused');
      await world.restart();
      expect(await world.api.groups()).toMatchObject([{ id: 'linux', paused: true }]);
      await world.why(id, 'group-paused');
      expect(world.dispatches()).toBe(0);
      expect(await world.api.unpauseGroup('linux')).toMatchObject({ paused: false });
      await world.job(id, 'completed');
    });

    it('of a group leaves alone what is under way', async () => {
      const world = await startWorld({ database });
      const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      const running = await world.job(id, 'running');
      await world.api.pauseGroup('linux');
      world.sim.completeRun(running.run_id ?? 0, 'success');
      await world.job(id, 'completed');
    });
  });
}
