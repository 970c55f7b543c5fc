import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { type IdealJob, idealMakespanMs } from './makespan.ts';

const job = (durationMs: number, more: Partial<IdealJob> = {}): IdealJob => ({
  ...{ labels: ['x'], priority: 0, releasedAt: 0, durationMs },
  ...more,
});
const runners = (...labels: string[][]) => labels.map((each) => ({ labels: each }));

describe('ideal makespan', () => {
  it('adds the mean from dispatch to start to every job', () => {
    const jobs = [job(100), job(100), job(100)];
    expect(idealMakespanMs(jobs, runners(['x']), 5)).toBe(315);
  });

  it('puts the longest job first where that ends sooner', () => {
    const jobs = [job(10, { priority: 9 }), job(10, { priority: 9 }), job(20)];
    expect(idealMakespanMs(jobs, runners(['x'], ['x']), 0)).toBe(20);
  });

  it('finds what neither the longest first nor the queue’s order finds', () => {
    // Longest first puts the 9 on the runner that alone fits the two of 8.
    const jobs = [job(9), job(8, { labels: ['x', 'y'] }), job(8, { labels: ['x', 'y'] })];
    expect(idealMakespanMs(jobs, runners(['x', 'y'], ['x', 'z', 'q']), 0)).toBe(16);
  });

  it('keeps the special runner for the job that needs it', () => {
    const jobs = [job(10), job(10, { labels: ['x', 'y'] })];
    expect(idealMakespanMs(jobs, runners(['x', 'y'], ['x']), 0)).toBe(10);
  });

  it('starts nothing before its release, and counts from the first one', () => {
    const jobs = [job(10, { releasedAt: 1_000 }), job(10, { releasedAt: 1_050 })];
    expect(idealMakespanMs(jobs, runners(['x'], ['x']), 0)).toBe(60);
  });

  it('leaves out jobs that no runner fits', () => {
    expect(idealMakespanMs([job(10), job(99, { labels: ['z'] })], runners(['x']), 0)).toBe(10);
    expect(idealMakespanMs([], runners(['x']), 0)).toBe(0);
  });

  const durations = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 12 });
  test.prop([durations, fc.integer({ min: 1, max: 4 })])(
    'is never below the work per runner or the longest job, and never twice that',
    (all, count) => {
      const pool = runners(...Array.from({ length: count }, () => ['x']));
      const ms = idealMakespanMs(
        all.map((durationMs) => job(durationMs)),
        pool,
        0,
      );
      const work = all.reduce((sum, each) => sum + each, 0);
      const least = Math.max(...all, work / count);
      expect(ms).toBeGreaterThanOrEqual(least);
      expect(ms).toBeLessThanOrEqual(least * 2);
    },
  );
});
