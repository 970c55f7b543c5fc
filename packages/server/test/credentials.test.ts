import { describe, expect, it } from 'vitest';
import { RUNNERS_TOKEN, TOKEN } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases } from './harness/world.ts';

/** Longer than the server waits between two looks at a credential that does not work. */
const NEXT_CHECK_MS = 16_000;

for (const database of databases) {
  describe(`a bad token on ${database.name}`, () => {
    it('at the start shows as disconnected, keeps the jobs, and heals (defect #18)', async () => {
      const world = await startWorld({
        database,
        prepare: (sim) => sim.setToken(TOKEN, { valid: false }),
      });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      const why = await world.why(id, 'forge-unavailable');
      expect(why.message).toContain('github.token');
      const status = await world.api.status();
      expect(status.status).toBe('degraded');
      expect(status.github.dispatch).toMatchObject({ status: 'unhealthy', connected: false });
      expect(status.github.dispatch?.error).toContain('github.token');
      expect(world.dispatches()).toBe(0);
      world.sim.setToken(TOKEN, { valid: true });
      await world.moveTime(NEXT_CHECK_MS);
      await world.job(id, 'completed');
      await world.until(
        'healthy again',
        () => world.api.status(),
        (seen) => seen.status === 'healthy' && seen.github.runners?.connected === true,
      );
    });

    it('later stops the credential, not the jobs (defect #16)', async () => {
      const config = { github: { runners_token: RUNNERS_TOKEN } };
      const world = await startWorld({ database, config });
      const first = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(first.id, 'completed');
      world.sim.setToken(TOKEN, { valid: false });
      const second = await world.api.enqueue('linux', { template_id: 'build' });
      await world.forge('a dispatch that is refused', ({ requests }) =>
        requests.some(({ endpoint, status }) => endpoint === 'dispatch' && status === 401),
      );
      await world.job(second.id, 'pending');
      await world.why(second.id, 'forge-unavailable');
      expect((await world.api.status()).github).toMatchObject({
        dispatch: { connected: false },
        runners: { connected: true },
      });
      world.sim.setToken(TOKEN, { valid: true });
      await world.moveTime(NEXT_CHECK_MS);
      await world.job(second.id, 'completed');
      expect(world.ourRuns()).toHaveLength(2);
    });
  });
}

describe('without a token', () => {
  it('the queue is kept, and says what is missing', async () => {
    const [database] = databases;
    if (database === undefined) throw new Error('no database');
    const world = await startWorld({ database, config: { github: { token: '' } } });
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    const why = await world.why(id, 'forge-unavailable');
    expect(why.message).toContain('github.token');
    expect(world.sim.ledger().requests).toEqual([]);
  });
});
