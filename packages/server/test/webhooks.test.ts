import { describe, expect, it } from 'vitest';
import { acme } from './harness/scenes.ts';
import { databases, startWorld, type World, type WorldOptions } from './harness/world.ts';

const SECRET = 'what the forge signs its webhooks with';

/** Nothing but webhooks can tell the server what happens. */
const deaf = {
  github: {
    webhook_secret: SECRET,
    poll_interval: '1h',
    poll_interval_with_webhooks: '1h',
  },
  dispatcher: { interval: '1h', tracking_interval: '1h', tracking_interval_with_webhooks: '1h' },
};

async function startHooked(options: WorldOptions): Promise<World> {
  const world = await startWorld({ config: deaf, ...options });
  world.sim.addHook({ owner: 'acme', url: `${world.url}/webhook/github/github`, secret: SECRET });
  return world;
}

for (const database of databases) {
  describe(`webhooks on ${database.name}`, () => {
    it('alone carry jobs to their end, one runner after the other', async () => {
      const world = await startHooked({ database, forge: acme(1) });
      const added = await Promise.all(
        [1, 2, 3].map(() => world.api.enqueue('linux', { template_id: 'build' })),
      );
      for (const { id } of added) await world.job(id, 'completed');
      expect(world.dispatches()).toBe(3);
      const { requests } = world.sim.ledger();
      const asked = requests.filter(({ endpoint }) => endpoint !== 'dispatch');
      expect(asked.length).toBeLessThan(10);
    });
  });
}
