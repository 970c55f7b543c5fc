import { describe, expect, it } from 'vitest';
import { LONG } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases } from './harness/world.ts';

for (const database of databases) {
  describe(`a delete on ${database.name}`, () => {
    it('takes a pending job out of the queue for good', async () => {
      const world = await startWorld({ database });
      await world.api.pauseGroup('linux');
      const gone = await world.api.enqueue('linux', { template_id: 'build' });
      const kept = await world.api.enqueue('linux', { template_id: 'build' });
      expect((await world.api.delete(gone.id)).status).toBe(204);
      expect((await world.api.ask(`/api/v1/jobs/${gone.id}`)).status).toBe(404);
      expect((await world.api.delete(gone.id)).status).toBe(400);
      await world.api.unpauseGroup('linux');
      await world.job(kept.id, 'completed');
      expect(world.dispatches()).toBe(1);
    });

    it('takes a failed job out of the history', async () => {
      const world = await startWorld({ database, exceptions: { hiddenRuns: 1 } });
      const inputs = { conclusion: 'failure' };
      const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs });
      await world.job(id, 'failed');
      expect((await world.api.delete(id)).status).toBe(204);
      expect(await world.api.history('linux')).toEqual({
        jobs: [],
        has_more: false,
        total_count: 0,
      });
    });

    it('is refused for a job under way, completed or cancelled', async () => {
      const world = await startWorld({ database });
      const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      await world.job(id, 'running');
      expect((await world.api.delete(id)).status).toBe(400);
      await world.api.cancel(id);
      expect((await world.api.delete(id)).status).toBe(400);
      const next = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(next.id, 'completed');
      expect((await world.api.delete(next.id)).status).toBe(400);
    });
  });
}
