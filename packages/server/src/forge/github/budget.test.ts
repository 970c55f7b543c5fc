import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { answer, counted, HOUR_MS, secondary, shares, start } from './budget.testkit.ts';
import { RequestBudget, type Share } from './budget.ts';

describe('a budget that knows nothing', () => {
  it.each(shares)('lets %s through', (share) => {
    expect(start().budget.admit(share)).toBeNull();
  });

  it('takes no number that nobody dated: a gateway’s own 0 would stop all dispatches for good', () => {
    const { clock, budget } = start();
    const headers = {
      'retry-after': '30',
      'x-ratelimit-limit': '10',
      'x-ratelimit-remaining': '0',
    };
    const retryAt = clock.now() + 30_000;
    expect(budget.learn(answer(clock, { status: 429, headers }), 0)).toEqual({ retryAt });
    expect(budget.rate()).toMatchObject({ remaining: null, blockedUntil: retryAt });
    clock.pass(30_000);
    expect(budget.rate()).toMatchObject({ remaining: null, blockedUntil: null });
  });

  it('reads missing headers as unknown, never as 0 (defect #14)', () => {
    const { clock, budget } = start();
    budget.learn(answer(clock), 0);
    expect(budget.rate()).toEqual({
      limit: null,
      remaining: null,
      resetAt: null,
      blockedUntil: null,
    });
    expect(budget.admit('poll')).toBeNull();
  });
});

describe('a limit below the reserve, as a gateway has one of its own', () => {
  it('leaves polling a fifth of it, and half of the rest for what was begun', () => {
    const { clock, budget } = start(100);
    const learn = (remaining: number): void => {
      const headers = {
        'x-ratelimit-limit': '60',
        'x-ratelimit-remaining': String(remaining),
        'x-ratelimit-reset': String((clock.now() + 60_000) / 1_000),
      };
      budget.learn(answer(clock, { headers }), 0);
    };
    learn(49);
    expect(budget.retryAt('poll')).toBeNull();
    learn(48);
    expect(budget.retryAt('poll')).not.toBeNull();
    expect(budget.retryAt('track')).toBeNull();
    learn(24);
    expect(budget.retryAt('track')).not.toBeNull();
    expect(budget.retryAt('dispatch')).toBeNull();
  });
});

describe('the primary limit', () => {
  it('stops polling at its reserve, tracking at half of it, and the rest only at 0', () => {
    const { clock, budget } = start(100);
    const stopped = (remaining: number): Share[] => {
      budget.learn(counted(clock, remaining), 0);
      return shares.filter((share) => budget.retryAt(share) !== null);
    };
    expect(stopped(101)).toEqual([]);
    expect(stopped(100)).toEqual(['poll']);
    expect(stopped(50)).toEqual(['track', 'poll']);
    expect(stopped(1)).toEqual(['track', 'poll']);
    expect(stopped(0)).toEqual(shares);
  });

  it('goes on by itself after the reset, though no answer told (defect #14)', () => {
    const { clock, budget } = start();
    budget.learn(counted(clock, 0), 0);
    expect(budget.admit('poll')).toBe(clock.now() + HOUR_MS);
    clock.pass(HOUR_MS);
    expect(budget.admit('poll')).toBeNull();
    expect(budget.rate().remaining).toBe(5_000);
  });

  it('takes a reset by the forge’s clock, not by ours', () => {
    const { clock, budget } = start();
    budget.learn(counted(clock, 0, HOUR_MS), 600_000);
    expect(budget.admit('dispatch')).toBe(clock.now() + HOUR_MS - 600_000);
  });

  it('does not believe an answer that was overtaken by a later one', () => {
    const { clock, budget } = start();
    budget.learn(counted(clock, 10), 0);
    budget.learn(counted(clock, 12), 0);
    budget.learn(counted(clock, 4_000, -60_000), 0);
    expect(budget.rate().remaining).toBe(10);
  });

  it('leaves the limits beside the main one out of it', () => {
    const { clock, budget } = start();
    const other = counted(clock, 0);
    budget.learn({ ...other, headers: { ...other.headers, 'x-ratelimit-resource': 'search' } }, 0);
    expect(budget.admit('poll')).toBeNull();
  });

  it('spreads polling over the time to the reset when a quarter is left, but not dispatches', () => {
    const { clock, budget } = start(100);
    budget.learn(counted(clock, 700), 0);
    const gapMs = HOUR_MS / 600;
    let burst = 0;
    while (budget.admit('poll') === null) {
      budget.noteSpent('poll');
      burst += 1;
    }
    // What a minute of the spread allows may be used at once.
    expect(burst).toBe(60_000 / gapMs + 1);
    expect(budget.admit('poll')).toBe(clock.now() + gapMs);
    for (const share of ['dispatch', 'cancel', 'lookup', 'track'] as const) {
      budget.noteSpent(share);
      expect(budget.admit(share)).toBeNull();
    }
    clock.pass(gapMs);
    expect(budget.admit('poll')).toBeNull();
  });

  it('does not spread what is plenty', () => {
    const { clock, budget } = start(100);
    budget.learn(counted(clock, 1_400), 0);
    for (let count = 0; count < 1_000; count += 1) budget.noteSpent('poll');
    expect(budget.admit('poll')).toBeNull();
  });

  it('makes work of many requests wait longer', () => {
    const { clock, budget } = start(100);
    budget.learn(counted(clock, 700), 0);
    for (let page = 0; page < 20; page += 1) budget.noteSpent('poll');
    expect(budget.admit('poll')).toBe(clock.now() + 20 * 6_000 - 60_000);
  });

  it('blocks everything until the stated moment when a request hit it', () => {
    const { clock, budget } = start();
    const hit = { ...counted(clock, 0), status: 403 };
    expect(budget.learn(hit, 0)).toEqual({ retryAt: clock.now() + HOUR_MS });
    expect(budget.admit('dispatch')).toBe(clock.now() + HOUR_MS);
  });
});

describe('a moment that no limit of GitHub lasts to', () => {
  const far = '99999999999999999999';

  it.each([
    ['a reset', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': far }],
    ['a wait', { 'retry-after': far }],
    ['a date', { 'retry-after': 'Fri, 01 Jan 2999 00:00:00 GMT' }],
  ])('stated by %s stops us for two hours, not for good', async (_what, headers) => {
    const { clock, budget } = start();
    budget.learn(answer(clock, { status: 429, headers }), 0);
    expect(budget.admit('dispatch')).toBe(clock.now() + 2 * HOUR_MS);
    await clock.advance(2 * HOUR_MS);
    expect(budget.admit('dispatch')).toBeNull();
  });

  it('that was stored before our clock was put back stops nobody', () => {
    const { clock, budget } = start();
    budget.adopt({ ...budget.state(), blockedUntil: clock.now() + 1_000 * HOUR_MS });
    expect(budget.admit('dispatch')).toBeNull();
    expect(budget.rate().blockedUntil).toBeNull();
    budget.learn(secondary(clock, { 'retry-after': '30' }), 0);
    expect(budget.admit('dispatch')).toBe(clock.now() + 30_000);
  });
});

describe('a clock that was five hours ahead and is put right', () => {
  /** What was told last before that, by answers whose moments were turned into those of the wrong clock. */
  function startAhead(learn: (before: ReturnType<typeof start>) => void) {
    const before = start();
    learn(before);
    const row = before.budget.state();
    before.clock.step(-5 * HOUR_MS);
    const reborn = new RequestBudget(before.clock, 100);
    reborn.adopt(row);
    return { ...before, reborn };
  }

  it('keeps nobody waiting any longer for the reset of then', () => {
    const { clock, budget } = startAhead((before) => {
      before.budget.learn(counted(before.clock, 0), 0);
    });
    const resetAt = clock.now() + HOUR_MS;
    expect(shares.map((share) => budget.admit(share))).toEqual(shares.map(() => resetAt));
    clock.pass(HOUR_MS);
    expect(budget.admit('poll')).toBeNull();
  });

  it('keeps nobody waiting after a restart', () => {
    const { clock, reborn } = startAhead((before) => {
      before.budget.learn(counted(before.clock, 0), 0);
    });
    expect(shares.map((share) => reborn.admit(share))).toEqual(shares.map(() => null));
    expect(reborn.rate()).toMatchObject({ resetAt: null, blockedUntil: null });
    reborn.learn(counted(clock, 4_990), 0);
    expect(reborn.rate()).toMatchObject({ remaining: 4_990, resetAt: clock.now() + HOUR_MS });
  });

  it('makes a limit of a minute no longer than a minute (everything stood still for as long as it had been ahead)', () => {
    const { clock, budget } = start();
    budget.learn(secondary(clock, { 'retry-after': '60' }), 0);
    clock.pass(10_000);
    clock.step(-HOUR_MS);
    expect(budget.admit('dispatch')).toBe(clock.now() + 50_000);
    expect(budget.state().blockedUntil).toBe(clock.now() + 50_000);
    clock.pass(50_000);
    expect(budget.admit('dispatch')).toBeNull();
  });

  it('goes on to spread what is asked evenly', () => {
    const { clock, budget } = start();
    budget.learn(counted(clock, 700), 0);
    for (let page = 0; page < 20; page += 1) budget.noteSpent('poll');
    const waitMs = (budget.admit('poll') ?? 0) - clock.now();
    clock.step(-HOUR_MS);
    expect((budget.admit('poll') ?? 0) - clock.now()).toBe(waitMs);
  });

  it('lets a halved dispatch rate grow as ever', () => {
    const { clock, budget } = startAhead(({ clock: ahead, budget: before }) => {
      before.learn(secondary(ahead), 0);
    });
    expect(budget.rateFactor).toBe(0.5);
    clock.pass(120_000);
    expect(budget.rateFactor).toBeCloseTo(0.6);
  });

  it('waits for a secondary limit that is met then', () => {
    const { clock, budget } = startAhead(({ clock: ahead, budget: before }) => {
      before.learn(secondary(ahead), 0);
    });
    budget.learn(secondary(clock), 0);
    expect(budget.admit('dispatch')).toBe(clock.now() + 120_000);
  });
});

describe('a refusal', () => {
  it('without a word of limits is none', () => {
    const { clock, budget } = start();
    const refusal = { ...counted(clock, 4_000), status: 403, body: '{"message":"Forbidden"}' };
    expect(budget.learn(refusal, 0)).toBeUndefined();
    expect(budget.admit('dispatch')).toBeNull();
  });
});

describe('a stored budget', () => {
  it('brings back what an earlier process learnt', () => {
    const { clock, budget } = start();
    budget.learn(counted(clock, 0), 0);
    budget.learn(secondary(clock), 0);
    const next = new RequestBudget(clock, 100);
    next.adopt(budget.state());
    expect(next.rate()).toEqual(budget.rate());
    expect(next.rateFactor).toBe(0.5);
  });

  it('never makes a process bolder', () => {
    const { clock, budget } = start();
    budget.learn(counted(clock, 10), 0);
    budget.learn(secondary(clock), 0);
    const bold = new RequestBudget(clock, 100);
    bold.learn(counted(clock, 4_000), 0);
    const before = budget.state();
    budget.adopt(bold.state());
    expect(budget.state()).toEqual(before);
  });
});

describe('any course of answers', () => {
  const step = fc.record({
    stepMs: fc.integer({ min: 0, max: 600_000 }),
    remaining: fc.option(fc.integer({ min: 0, max: 5_000 })),
    status: fc.constantFrom(200, 304, 403, 404, 429, 500),
    retryAfter: fc.option(fc.integer({ min: 0, max: 3_600 })),
  });

  test.prop([fc.array(step, { maxLength: 40 })])(
    'never stops an earlier share while it lets a later one through, and ends every wait',
    (steps) => {
      const { clock, budget } = start(100);
      const base = clock.now();
      for (const { stepMs, remaining, status, retryAfter } of steps) {
        clock.pass(stepMs);
        const window = Math.ceil((clock.now() - base + 1) / HOUR_MS);
        budget.learn(
          answer(clock, {
            status,
            headers: {
              ...(remaining === null
                ? {}
                : {
                    'x-ratelimit-limit': '5000',
                    'x-ratelimit-remaining': String(remaining),
                    'x-ratelimit-reset': String((base + window * HOUR_MS) / 1_000),
                  }),
              ...(retryAfter === null ? {} : { 'retry-after': String(retryAfter) }),
            },
          }),
          0,
        );
        const waits = shares.map((share) => budget.retryAt(share));
        const firstStopped = waits.findIndex((retryAt) => retryAt !== null);
        if (firstStopped >= 0) {
          expect(waits.slice(firstStopped).every((retryAt) => retryAt !== null)).toBe(true);
        }
      }
      const last = Math.max(clock.now(), ...shares.map((share) => budget.retryAt(share) ?? 0));
      clock.pass(last + HOUR_MS - clock.now());
      expect(shares.map((share) => budget.admit(share))).toEqual(shares.map(() => null));
    },
  );
});
