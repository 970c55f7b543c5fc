import { describe, expect, it } from 'vitest';
import { Breaker } from './breaker.ts';
import { FakeClock } from './clock.testkit.ts';

function open() {
  const clock = new FakeClock();
  return { clock, breaker: new Breaker(clock, { firstMs: 1_000, longestMs: 4_000 }) };
}

describe('a breaker', () => {
  it('lets all through while nothing fails', () => {
    expect(open().breaker.allowed).toBe(Infinity);
  });

  it('lets none through after a failure, then one probe', async () => {
    const { clock, breaker } = open();
    breaker.start();
    breaker.fail();
    expect(breaker.allowed).toBe(0);
    expect(breaker.retryAt).toBe(clock.now() + 1_000);
    await clock.advance(1_000);
    expect(breaker.allowed).toBe(1);
    breaker.start();
    expect(breaker.allowed).toBe(0);
  });

  it('closes when the probe succeeds', async () => {
    const { clock, breaker } = open();
    breaker.fail();
    await clock.advance(1_000);
    breaker.start();
    breaker.succeed();
    expect(breaker.allowed).toBe(Infinity);
  });

  it('waits twice as long after each failed probe, up to its longest', async () => {
    const { clock, breaker } = open();
    breaker.fail();
    for (const waitMs of [2_000, 4_000, 4_000]) {
      await clock.advance(4_000);
      breaker.start();
      breaker.fail();
      expect(breaker.retryAt).toBe(clock.now() + waitMs);
    }
  });

  it('counts failures of what was under way when it opened only once', () => {
    const { clock, breaker } = open();
    breaker.fail();
    breaker.fail();
    breaker.fail();
    expect(breaker.retryAt).toBe(clock.now() + 1_000);
  });

  it('lets another probe through when the first was never sent', async () => {
    const { clock, breaker } = open();
    breaker.fail();
    await clock.advance(1_000);
    breaker.start();
    breaker.skip();
    expect(breaker.allowed).toBe(1);
  });
});
