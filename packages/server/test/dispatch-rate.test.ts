import { describe, expect, it } from 'vitest';
import { acme, LONG } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, type World } from './harness/world.ts';

async function enqueueThree(world: World): Promise<string[]> {
  const ids: string[] = [];
  for (let count = 0; count < 3; count += 1) {
    const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
    ids.push(id);
  }
  return ids;
}

for (const database of databases) {
  describe(`a ceiling on dispatches on ${database.name}`, () => {
    it('is kept, told, and survives a restart', async () => {
      const config = { github: { dispatch_rate: { burst: 2, per_second: 0.001 } } };
      const world = await startWorld({ database, config, forge: acme(4) });
      const [, , third = ''] = await enqueueThree(world);
      await world.forge('two runs', ({ runs }) => runs.length === 2);
      const why = await world.until(
        'it is told when to go on',
        () => world.api.why(third),
        ({ code, retry_at: retryAt }) => code === 'rate-limited' && retryAt !== null,
      );
      expect(Date.parse(why.retry_at ?? '')).toBeGreaterThan(world.clock.now() + 60_000);
      await world.restart();
      await world.why(third, 'rate-limited');
      expect(world.dispatches()).toBe(2);
    });

    it('lets the next one go when its time has come, whatever the interval', async () => {
      const config = {
        github: { dispatch_rate: { burst: 1, per_second: 2 } },
        dispatcher: { interval: '10m' },
      };
      const world = await startWorld({ database, config, forge: acme(4) });
      // The burst is taken after this, however long the first dispatch then takes to reach the forge; a clock shows whole milliseconds.
      const before = world.clock.now();
      await enqueueThree(world);
      await world.forge('three runs', ({ runs }) => runs.length === 3);
      const [, , third = 0] = world.ourRuns().map(({ createdAt }) => createdAt);
      expect(third - before).toBeGreaterThanOrEqual(999);
    });
  });
}
