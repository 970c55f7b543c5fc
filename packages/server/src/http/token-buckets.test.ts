import { describe, expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.testkit.ts';
import { TokenBuckets } from './token-buckets.ts';

describe('token buckets', () => {
  it('never give more than a minute’s worth at once, however long nobody asked', async () => {
    const clock = new FakeClock();
    const buckets = new TokenBuckets(clock, 5);
    buckets.tryTake('a');
    await clock.advance(3_600_000);
    const taken = Array.from({ length: 7 }, () => buckets.tryTake('a'));
    expect(taken.filter(Boolean)).toHaveLength(5);
  });

  it('do not let a refused request push the next one back', async () => {
    const clock = new FakeClock();
    const buckets = new TokenBuckets(clock, 1);
    expect(buckets.tryTake('a')).toBe(true);
    for (let i = 0; i < 59; i += 1) {
      await clock.advance(1_000);
      expect(buckets.tryTake('a')).toBe(false);
    }
    await clock.advance(1_001);
    expect(buckets.tryTake('a')).toBe(true);
  });

  it('forget keys that have been quiet', async () => {
    const clock = new FakeClock();
    const buckets = new TokenBuckets(clock, 60);
    for (let i = 0; i < 1_000; i += 1) buckets.tryTake(`key-${i}`);
    await clock.advance(120_000);
    buckets.tryTake('other');
    expect(buckets.size).toBe(1);
  });
});
