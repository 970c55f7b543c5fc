import { describe, expect, it } from 'vitest';
import { Random } from './random.ts';

describe('the seeded stream', () => {
  it('spreads evenly enough, also for neighbouring seeds', () => {
    for (const seed of [0, 1, 2, 1_000_000]) {
      const random = new Random(seed, 'digits');
      const counts = Array.from({ length: 10 }, () => 0);
      for (let i = 0; i < 10_000; i += 1) {
        const digit = random.within([0, 9]);
        counts[digit] = (counts[digit] ?? 0) + 1;
      }
      for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(200);
    }
  });

  it('follows from seed and name: another seed, or another name, gives other numbers', () => {
    expect(new Random(1, 'a').next()).toBe(new Random(1, 'a').next());
    expect(new Random(1, 'a').next()).not.toBe(new Random(2, 'a').next());
    expect(new Random(1, 'a').next()).not.toBe(new Random(1, 'b').next());
  });

  it('shuffles: the same items in another order', () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    const shuffled = new Random(1, 'deck').shuffled(items);
    expect(shuffled).not.toEqual(items);
    expect(shuffled.toSorted((a, b) => a - b)).toEqual(items);
  });
});
