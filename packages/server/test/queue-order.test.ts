import { describe, expect, it } from 'vitest';
import { startWorld } from './harness/start-world.ts';
import { databases, type World } from './harness/world.ts';

async function enqueueAll(world: World, priorities: readonly number[]): Promise<string[]> {
  const ids: string[] = [];
  for (const [index, priority] of priorities.entries()) {
    const inputs = { note: `${index}` };
    const job = await world.api.enqueue('linux', { template_id: 'build', inputs, priority });
    ids.push(job.id);
  }
  return ids;
}

for (const database of databases) {
  describe(`the queue on ${database.name}`, () => {
    it('goes by priority, then by age, as its positions say', async () => {
      const world = await startWorld({ database });
      await world.api.pauseGroup('linux');
      const ids = await enqueueAll(world, [0, 5, -3, 5, 0]);
      const queue = await world.api.queue('linux');
      const order = [1, 3, 0, 4, 2];
      expect(queue.map(({ id }) => id)).toEqual(order.map((index) => ids[index]));
      expect(queue.map(({ position }) => position)).toEqual([0, 1, 2, 3, 4]);
      await world.api.unpauseGroup('linux');
      for (const id of ids) await world.job(id, 'completed');
      expect(world.ourRuns().map(({ inputs }) => inputs['note'])).toEqual(order.map(String));
    });

    it('shows what is under way before what waits', async () => {
      const world = await startWorld({ database });
      const inputs = { 'duration-ms': '600000' };
      const first = await world.api.enqueue('linux', { template_id: 'build', inputs });
      const running = await world.job(first.id, 'running');
      const second = await world.api.enqueue('linux', { template_id: 'build', priority: 100 });
      const queue = await world.api.queue('linux');
      expect(queue.map(({ id, position }) => [id, position])).toEqual([
        [first.id, running.position],
        [second.id, 0],
      ]);
    });

    it('can be read page by page', async () => {
      const world = await startWorld({ database });
      await world.api.pauseGroup('linux');
      const ids = await enqueueAll(world, [0, 0, 0]);
      const first = await world.api.ask('/api/v1/groups/linux/queue?limit=2');
      const cursor = first.headers.get('x-next-cursor') ?? '';
      const rest = await world.api.ask(
        `/api/v1/groups/linux/queue?limit=2&cursor=${encodeURIComponent(cursor)}`,
      );
      const idsOf = (text: string): string[] =>
        (JSON.parse(text) as { id: string }[]).map(({ id }) => id);
      expect([...idsOf(first.text), ...idsOf(rest.text)]).toEqual(ids);
      expect(rest.headers.get('x-next-cursor')).toBeNull();
    });
  });
}
