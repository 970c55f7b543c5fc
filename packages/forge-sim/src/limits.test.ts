import { describe, expect, it } from 'vitest';
import { call, DISPATCH, NOON, SECOND, startSim, TOKEN } from './sim.testkit.ts';

const HOUR = 3_600 * SECOND;

describe('the primary limit', () => {
  it('is shown on every reply and by /rate_limit, which costs nothing', async () => {
    const sim = await startSim();
    const user = await call(sim, 'GET /user');
    expect(user.headers.get('x-ratelimit-limit')).toBe('5000');
    expect(user.headers.get('x-ratelimit-remaining')).toBe('4999');
    expect(user.headers.get('x-ratelimit-used')).toBe('1');
    expect(user.headers.get('x-ratelimit-resource')).toBe('core');
    const reset = (NOON + HOUR) / SECOND;
    for (let i = 0; i < 2; i += 1) {
      const { body } = await call(sim, 'GET /rate_limit');
      expect(body.rate).toEqual({ limit: 5_000, remaining: 4_999, used: 1, reset });
    }
    expect(sim.schemaViolations).toEqual([]);
  });

  it('refuses with 403 when it is used up, does nothing, and comes back at the reset', async () => {
    const sim = await startSim();
    sim.setRateLimit(TOKEN, { limit: 10, remaining: 1, resetAt: NOON + 60 * SECOND });
    expect((await call(sim, 'GET /user')).status).toBe(200);
    const refused = await call(sim, DISPATCH, { body: { ref: 'main' } });
    expect(refused.status).toBe(403);
    expect(refused.body.message).toMatch(/^API rate limit exceeded for user ID \d+/);
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('0');
    expect(refused.headers.get('x-ratelimit-reset')).toBe(String(NOON / SECOND + 60));
    expect(refused.headers.get('retry-after')).toBeNull();
    expect(sim.ledger().runs).toEqual([]);
    expect((await call(sim, 'GET /rate_limit')).status).toBe(200);
    await sim.clock.advance(60 * SECOND);
    const back = await call(sim, 'GET /user');
    expect(back.headers.get('x-ratelimit-remaining')).toBe('9');
    expect(sim.schemaViolations).toEqual([]);
  });

  it('is shared by all tokens of a login, and not with others', async () => {
    const sim = await startSim();
    sim.addToken({ token: 'second', login: 'acme-bot' });
    sim.addToken({ token: 'foreign', login: 'jane' });
    sim.setRateLimit(TOKEN, { remaining: 0 });
    expect((await call(sim, 'GET /user', { token: 'second' })).status).toBe(403);
    expect((await call(sim, 'GET /user', { token: 'foreign' })).status).toBe(200);
  });

  it('does not take a set-up that outlasted its window for one of a fresh hour', async () => {
    const sim = await startSim();
    sim.setRateLimit(TOKEN, { remaining: 4_000, resetAt: NOON + 60 * SECOND });
    sim.setRateLimit(TOKEN, { remaining: 3_000 });
    await sim.clock.advance(60 * SECOND);
    await call(sim, 'GET /user');
    expect(() => sim.setRateLimit(TOKEN, { remaining: 0 })).toThrow(
      /acme-bot's rate limit ended at .*: name a new resetAt/,
    );
    sim.setRateLimit(TOKEN, { remaining: 0, resetAt: NOON + 120 * SECOND });
    expect((await call(sim, 'GET /user')).status).toBe(403);
    expect(sim.rateLimits()).toEqual([
      { login: 'acme-bot', limit: 5_000, remaining: 0, resetAt: NOON + 120 * SECOND },
    ]);
  });

  it('can be switched off until one is set', async () => {
    const sim = await startSim();
    await call(sim, 'GET /user');
    sim.setRateLimit(TOKEN, null);
    const free = await call(sim, 'GET /user');
    expect(free.headers.get('x-ratelimit-remaining')).toBeNull();
    expect(sim.rateLimits()).toEqual([]);
    sim.setRateLimit(TOKEN, { remaining: 1 });
    const limited = await call(sim, 'GET /user');
    expect(limited.headers.get('x-ratelimit-remaining')).toBe('0');
  });

  it('exists on GHES when someone sets it', async () => {
    const sim = await startSim({ ghes: '3.20' });
    sim.setRateLimit(TOKEN, { limit: 100, remaining: 50 });
    expect((await call(sim, 'GET /rate_limit')).body.rate.remaining).toBe(50);
  });
});

describe('the secondary limits', () => {
  it('are off in the profile instant', async () => {
    const sim = await startSim({ validator: false });
    for (let i = 0; i < 200; i += 1) {
      expect((await call(sim, DISPATCH, { body: { ref: 'main' } })).status).toBe(204);
    }
  });

  it('count 1 point for a read and 5 for a write, per endpoint and minute', async () => {
    const sim = await startSim();
    sim.setSecondaryLimits({ perMinutePoints: 10 });
    const send = () => call(sim, DISPATCH, { body: { ref: 'main' } });
    expect([(await send()).status, (await send()).status]).toEqual([204, 204]);
    await sim.clock.advance(20 * SECOND);
    const refused = await send();
    expect(refused.status).toBe(403);
    expect(refused.body.message).toContain('secondary rate limit');
    expect(refused.headers.get('retry-after')).toBe('40');
    expect(refused.headers.get('x-ratelimit-remaining')).not.toBe('0');
    expect(sim.ledger().runs).toHaveLength(2);
    for (let i = 0; i < 10; i += 1) expect((await call(sim, 'GET /user')).status).toBe(200);
    expect((await call(sim, 'GET /user')).status).toBe(403);
    await sim.clock.advance(60 * SECOND);
    expect((await send()).status).toBe(204);
    expect(sim.schemaViolations).toEqual([]);
  });

  it('count dispatches as content, by minute and by hour, and may answer 429', async () => {
    const sim = await startSim();
    sim.setSecondaryLimits({ contentPerMinute: 2, contentPerHour: 3, status: 429 });
    const send = async () => (await call(sim, DISPATCH, { body: { ref: 'main' } })).status;
    expect([await send(), await send(), await send()]).toEqual([204, 204, 429]);
    await sim.clock.advance(61 * SECOND);
    expect(await send()).toBe(429);
    await sim.clock.advance(HOUR);
    expect(await send()).toBe(204);
  });

  it('allow only so many requests at a time', async () => {
    const sim = await startSim();
    sim.setSecondaryLimits({ concurrent: 1 });
    const { id } = sim.addFault({ on: 'user', kind: 'hold' });
    const held = call(sim, 'GET /user');
    await sim.wait(({ requests }) => requests[0]?.acted === true);
    expect((await call(sim, 'GET /user')).status).toBe(403);
    sim.release(id);
    expect((await held).status).toBe(200);
    expect((await call(sim, 'GET /user')).status).toBe(200);
  });
});
