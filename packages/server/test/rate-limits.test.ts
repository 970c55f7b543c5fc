import { describe, expect, it } from 'vitest';
import { acme, runners, TOKEN } from './harness/scenes.ts';
import { databases, startWorld, type World } from './harness/world.ts';

const dispatchTimes = ({ sim }: World): number[] =>
  sim
    .ledger()
    .requests.filter(({ endpoint }) => endpoint === 'dispatch')
    .map(({ at }) => at);

for (const database of databases) {
  describe(`a rate limit on ${database.name}`, () => {
    it('that is used up stops everything until its reset, and then all goes on (defect #14)', async () => {
      const world = await startWorld({ database, forge: acme(0) });
      await world.forge('runners were listed', ({ requests }) =>
        requests.some(({ endpoint, status }) => endpoint === 'listRunners' && status === 200),
      );
      const resetAt = world.sim.clock.now() + 30_000;
      world.sim.setRateLimit(TOKEN, { remaining: 0, resetAt });
      world.sim.addRunner(runners(1)[0] ?? { scope: 'org:acme', name: 'late', labels: [] });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.forge('a refusal', ({ requests }) =>
        requests.some(({ status }) => status === 403),
      );
      const asked = world.sim.ledger().requests.length;
      await world.why(id, 'rate-limited');
      await world.moveTime(20_000);
      expect((await world.api.job(id)).status).toBe('pending');
      // Nothing is asked while nothing would be answered.
      expect(world.sim.ledger().requests.length - asked).toBeLessThanOrEqual(1);
      await world.moveTime(12_000);
      await world.job(id, 'completed');
      expect(world.dispatches()).toBe(1);
    });

    it('that is almost used up stops the polling, and the polling resumes (defect #14)', async () => {
      const world = await startWorld({ database, forge: acme(0) });
      const resetAt = world.sim.clock.now() + 30_000;
      // Under rate_limit_buffer: what is left is for dispatching.
      world.sim.setRateLimit(TOKEN, { remaining: 80, resetAt });
      await world.until(
        'the server knows',
        () => world.api.status(),
        ({ github }) => (github.runners?.rate_limit_remaining ?? 100) < 100,
      );
      const polls = (): number =>
        world.sim.ledger().requests.filter(({ endpoint }) => endpoint === 'listRunners').length;
      const before = polls();
      world.sim.addRunner(runners(1)[0] ?? { scope: 'org:acme', name: 'late', labels: [] });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.moveTime(5_000);
      await world.why(id, 'no-runner-matches');
      expect(polls() - before).toBeLessThanOrEqual(1);
      await world.moveTime(27_000);
      await world.job(id, 'completed');
    });

    it('of the second kind is waited out, and the job starts once (defect #16)', async () => {
      const world = await startWorld({ database });
      world.sim.addFault({ on: 'dispatch', kind: 'secondary-limit', retryAfterS: 40 });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      const why = await world.why(id, 'rate-limited');
      expect(Date.parse(why.retry_at ?? '')).toBeGreaterThan(world.clock.now() + 30_000);
      await world.moveTime(30_000);
      expect((await world.api.job(id)).status).toBe('pending');
      expect(dispatchTimes(world)).toHaveLength(1);
      await world.moveTime(11_000);
      await world.job(id, 'completed');
      const [refused = 0, accepted = 0] = dispatchTimes(world);
      expect(accepted - refused).toBeGreaterThanOrEqual(40_000);
      expect(world.ourRuns()).toHaveLength(1);
    });
  });
}
