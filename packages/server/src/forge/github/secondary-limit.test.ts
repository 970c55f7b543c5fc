import { describe, expect, it } from 'vitest';
import { answer, secondary, shares, start } from './budget.testkit.ts';

describe('a secondary limit that is one target’s own', () => {
  const list = (repo: string) => ({ target: `list the runs of ${repo}`, isMutation: false });
  const MINUTE_MS = 60_000;

  /** Some are limited each time, others go through between two stops. @returns minutes of each stop */
  function stopsOf(limited: readonly string[], rounds: number, headers = {}): number[] {
    const { clock, budget } = start();
    const stops: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const repo of limited) {
        budget.learn(secondary(clock, headers), 0, list(repo));
        const stopMs = (budget.admit('dispatch') ?? clock.now()) - clock.now();
        stops.push(stopMs / MINUTE_MS);
        clock.pass(stopMs + 1);
        budget.learn(answer(clock), 0, list('good'));
        clock.pass(1_000);
      }
    }
    return stops;
  }

  it('stops the credential a minute each time, however many there are (one job in 15 minutes was sent)', () => {
    expect(stopsOf(['a'], 5)).toEqual([1, 1, 1, 1, 1]);
    expect(stopsOf(['a', 'b'], 4)).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('stops it as long as it says the first time, and then a minute', () => {
    const headers = { 'retry-after': '780' };
    expect(stopsOf(['a', 'b'], 3, headers)).toEqual([13, 13, 1, 1, 1, 1]);
    expect(stopsOf(['a'], 2, { 'retry-after': '7' })).toEqual([7 / 60, 7 / 60]);
  });

  it('is asked for again when it says', () => {
    const { clock, budget } = start();
    const meet = () => budget.learn(secondary(clock, { 'retry-after': '780' }), 0, list('a'));
    meet();
    clock.pass(780_001);
    budget.learn(answer(clock), 0, list('good'));
    clock.pass(1);
    expect(meet()).toEqual({ retryAt: clock.now() + 780_000 });
    expect(budget.rate().blockedUntil).toBe(clock.now() + MINUTE_MS);
    expect(budget.rateFactor).toBe(0.5);
  });

  it('is the account’s where nothing of its kind went through since the last one', () => {
    const { clock, budget } = start();
    const dispatch = (workflow: string) => ({ target: workflow, isMutation: true });
    const waits = ['a', 'b', 'a', 'b'].map((workflow) => {
      budget.learn(secondary(clock), 0, dispatch(workflow));
      const waitMs = (budget.admit('dispatch') ?? 0) - clock.now();
      clock.pass(waitMs + 1);
      budget.learn(answer(clock), 0, list('good'));
      clock.pass(1_000);
      return waitMs / MINUTE_MS;
    });
    expect(waits).toEqual([1, 2, 4, 8]);
  });
});

describe('a secondary limit', () => {
  it('blocks as long as it says', () => {
    const { clock, budget } = start();
    expect(budget.learn(secondary(clock, { 'retry-after': '7' }), 0)).toEqual({
      retryAt: clock.now() + 7_000,
    });
    expect(shares.map((share) => budget.admit(share))).toEqual(
      shares.map(() => clock.now() + 7_000),
    );
  });

  it('that says "at once" again and again is asked ever more rarely, up to a minute', async () => {
    const { clock, budget } = start();
    const waits: number[] = [];
    for (let hit = 0; hit < 8; hit += 1) {
      budget.learn(secondary(clock, { 'retry-after': '0' }), 0);
      const waitMs = (budget.admit('dispatch') ?? 0) - clock.now();
      waits.push(waitMs / 1_000);
      await clock.advance(waitMs);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });

  it('blocks a minute when it does not say, and doubles in a row', () => {
    const { clock, budget } = start();
    const waitsMs = [1, 2, 3, 4, 5, 6].map(() => {
      const verdict = budget.learn(secondary(clock), 0);
      const waitMs = (verdict?.retryAt ?? 0) - clock.now();
      clock.pass(waitMs);
      return waitMs;
    });
    expect(waitsMs).toEqual([60_000, 120_000, 240_000, 480_000, 900_000, 900_000]);
  });

  it('halves the dispatch rate, which grows back slowly', () => {
    const { clock, budget } = start();
    budget.learn(secondary(clock), 0);
    expect(budget.rateFactor).toBe(0.5);
    clock.pass(60_000);
    expect(budget.rateFactor).toBe(0.5);
    clock.pass(60_000);
    expect(budget.rateFactor).toBeCloseTo(0.6);
    clock.pass(240_000);
    expect(budget.rateFactor).toBe(1);
    budget.learn(secondary(clock), 0);
    expect(budget.rateFactor).toBe(0.5);
  });

  it('counts anew once the rate is whole again, whatever a row of before says', () => {
    const { clock, budget } = start();
    budget.learn(secondary(clock), 0);
    budget.learn(secondary(clock), 0);
    const row = budget.state();
    clock.pass(15 * 60_000);
    expect(budget.rateFactor).toBe(1);
    budget.adopt(row);
    expect(budget.rateFactor).toBe(1);
    expect(budget.learn(secondary(clock), 0)).toEqual({ retryAt: clock.now() + 60_000 });
  });

  it('met by several requests in flight counts once', () => {
    const { clock, budget } = start();
    const sentBefore = [1, 2, 3].map(() => secondary(clock));
    clock.pass(100);
    for (const met of sentBefore) budget.learn(met, 0);
    expect(budget.rateFactor).toBe(0.5);
    expect(budget.rate().blockedUntil).toBe(clock.now() + 60_000);
  });

  it('is what a 429 without words is', () => {
    const { clock, budget } = start();
    expect(budget.learn(answer(clock, { status: 429 }), 0)).toEqual({
      retryAt: clock.now() + 60_000,
    });
  });

  it('understands retry-after as a date', () => {
    const { clock, budget } = start();
    const header = new Date(clock.now() + 30_000).toUTCString();
    expect(budget.learn(secondary(clock, { 'retry-after': header }), 0)).toEqual({
      retryAt: clock.now() + 30_000,
    });
  });
});
