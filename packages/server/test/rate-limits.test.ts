import type { ForgeSim } from '@dispatchoor/forge-sim';
import { describe, expect, it } from 'vitest';
import { HUMAN_TOKEN, LINUX, TOKEN } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, type World } from './harness/world.ts';

/** Of a window, and far longer than a slow machine takes between two steps. GitHub's never change their end. */
const RESET_MS = 600_000;
/** Long before the end, and then past it. */
const [BEFORE_MS, PAST_MS] = [RESET_MS / 2, RESET_MS / 2 + 2_000];

/** A window cannot be made shorter than what the server knows of it: it begins with `leave`. */
const unlimited = (sim: ForgeSim): void => {
  sim.setRateLimit(TOKEN, null);
};

/** From now on so much is left, for `RESET_MS`. */
function leave({ sim }: World, remaining: number): void {
  sim.setRateLimit(TOKEN, { remaining, resetAt: sim.clock.now() + RESET_MS });
}

/** Nothing that could dispatch looks by itself for the length of a test. */
const rarePolls = {
  github: { poll_interval: '1h' },
  dispatcher: { interval: '1h' },
  waits: { reconnect: '1h' },
} as const;

const requestsTo = ({ sim }: World, name: string) =>
  sim.ledger().requests.filter(({ endpoint }) => endpoint === name);

/** The server knows one runner; a second one has come since, which only a new listing can show. */
async function addRunner(world: World): Promise<void> {
  await world.until(
    'one runner is known',
    () => world.api.runners(),
    ({ length }) => length === 1,
  );
  world.sim.addRunner({ scope: 'org:acme', name: 'new', labels: [...LINUX] });
}

/** A job whose dispatch was refused: nothing is left of the hour. No loop looks again before its interval. */
async function limitedJob(world: World): Promise<string> {
  await world.until(
    'one runner is known',
    () => world.api.runners(),
    ({ length }) => length === 1,
  );
  leave(world, 0);
  const { id } = await world.api.enqueue('linux', { template_id: 'build' });
  await world.why(id, 'rate-limited');
  return id;
}

/** Until the server knows that no more is left. */
function toldOf(world: World, most: number): Promise<unknown> {
  return world.until(
    'the server knows',
    async () => (await world.api.status()).github.runners,
    (client) => client?.rate_limit_reset !== undefined && client.rate_limit_remaining <= most,
  );
}

for (const database of databases) {
  describe(`a rate limit on ${database.name}`, () => {
    it('that is used up stops everything until its reset, and then all goes on (defect #14)', async () => {
      const world = await startWorld({ database, prepare: unlimited });
      await world.until(
        'one runner is known',
        () => world.api.runners(),
        ({ length }) => length === 1,
      );
      leave(world, 0);
      await toldOf(world, 0);
      world.sim.addRunner({ scope: 'org:acme', name: 'new', labels: [...LINUX] });
      const asked = world.sim.ledger().requests.length;
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.why(id, 'rate-limited');
      await world.moveTime(BEFORE_MS);
      expect((await world.api.job(id)).status).toBe('pending');
      // Nothing is asked while nothing would be answered.
      expect(world.sim.ledger().requests.length - asked).toBeLessThanOrEqual(1);
      await world.moveTime(PAST_MS);
      await world.job(id, 'completed');
      expect(world.dispatches()).toBe(1);
      await world.until(
        'the new runner is known',
        () => world.api.runners(),
        ({ length }) => length === 2,
      );
    });

    it('that is almost used up stops the polling, and the polling resumes (defect #14)', async () => {
      const world = await startWorld({ database, prepare: unlimited });
      await addRunner(world);
      // Under rate_limit_buffer: what is left is for dispatching.
      leave(world, 80);
      await toldOf(world, 80);
      const polls = requestsTo(world, 'listRunners').length;
      await world.moveTime(BEFORE_MS);
      expect(requestsTo(world, 'listRunners').length - polls).toBeLessThanOrEqual(1);
      await world.moveTime(PAST_MS);
      await world.until(
        'polls again',
        () => requestsTo(world, 'listRunners').length,
        (now) => now > polls + 1,
      );
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(id, 'completed');
    });

    it('of the second kind is waited out, and the job starts once (defect #16)', async () => {
      const world = await startWorld({ database });
      world.sim.addFault({ on: 'dispatch', kind: 'secondary-limit', retryAfterS: 600 });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.forge('a refusal', ({ requests }) =>
        requests.some(({ endpoint, status }) => endpoint === 'dispatch' && status === 403),
      );
      await world.job(id, 'pending');
      const why = await world.why(id, 'rate-limited');
      expect(Date.parse(why.retry_at ?? '')).toBeGreaterThan(
        world.clock.now() + BEFORE_MS - 60_000,
      );
      await world.moveTime(BEFORE_MS);
      expect((await world.api.job(id)).status).toBe('pending');
      expect(requestsTo(world, 'dispatch')).toHaveLength(1);
      await world.moveTime(PAST_MS);
      await world.job(id, 'completed');
      const [refused, accepted] = requestsTo(world, 'dispatch');
      expect((accepted?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(RESET_MS);
      expect(world.ourRuns()).toHaveLength(1);
    });

    it('is the reason that is told right after a restart, with its time, and it goes on at that time', async () => {
      const world = await startWorld({ database, prepare: unlimited, config: rarePolls });
      const id = await limitedJob(world);
      const resetAt = world.sim.rateLimits()[0]?.resetAt ?? 0;
      await world.restart();
      const why = await world.api.why(id);
      expect(why.code).toBe('rate-limited');
      // By our clock, as well as it is known what the forge's shows.
      expect(Math.abs(Date.parse(why.retry_at ?? '') - resetAt)).toBeLessThan(60_000);
      const asked = world.sim.ledger().requests.length;
      await world.moveTime(BEFORE_MS);
      expect(world.sim.ledger().requests.length).toBe(asked);
      // Less than the interval of any loop: what goes on, goes on because its moment has come.
      await world.moveTime(PAST_MS);
      await world.job(id, 'completed');
      expect(world.dispatches()).toBe(1);
    });

    it('of the token before does not stop a new one', async () => {
      const world = await startWorld({ database, prepare: unlimited, config: rarePolls });
      const id = await limitedJob(world);
      await world.restart({ ...rarePolls, github: { ...rarePolls.github, token: HUMAN_TOKEN } });
      await world.job(id, 'completed');
    });
  });
}
