import { fc, it as property } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { median, p99, percentile } from './percentile.ts';

const oneToHundred = Array.from({ length: 100 }, (_, i) => 100 - i);

describe('a percentile', () => {
  it('is the nearest rank', () => {
    expect(median(oneToHundred)).toBe(50);
    expect(p99(oneToHundred)).toBe(99);
    expect(percentile(oneToHundred, 1)).toBe(100);
    expect(percentile([3], 0.01)).toBe(3);
  });

  it('of nothing is an error, not a number', () => {
    expect(() => median([])).toThrow(RangeError);
  });

  property.prop([
    fc.array(fc.double({ noNaN: true }), { minLength: 1 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  ])('is one of the samples, with enough of them below it', (samples, share) => {
    const value = percentile(samples, share);
    expect(samples).toContain(value);
    const notAbove = samples.filter((sample) => sample <= value).length;
    expect(notAbove).toBeGreaterThanOrEqual(share * samples.length);
  });
});
