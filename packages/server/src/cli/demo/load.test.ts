import { describe, expect, it } from 'vitest';
import { killMoments } from './kill-moments.ts';
import { type PlannedJob, plannedJobs } from './load.ts';
import { SeededRandom } from './random.ts';
import { demoGroups, FAILING_TEMPLATE_ID } from './setting.ts';

function first(count: number, seed = 1): PlannedJob[] {
  const plan = plannedJobs(new SeededRandom(seed));
  return Array.from({ length: count }, () => plan.next().value);
}

describe('the load', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(first(60)).toEqual(first(60));
    expect(first(60, 2)).not.toEqual(first(60));
  });

  it('gives every job a key of its own', () => {
    expect(new Set(first(1_000).map(({ key }) => key)).size).toBe(1_000);
  });

  it('mixes groups, priorities and one template that fails', () => {
    const jobs = first(40);
    const templates = jobs.map(({ request }) => request.template_id);
    expect(new Set(jobs.map(({ group }) => group.id)).size).toBe(demoGroups.length);
    expect(new Set(jobs.map(({ priority }) => priority)).size).toBeGreaterThan(2);
    expect(templates.filter((id) => id === FAILING_TEMPLATE_ID)).toHaveLength(2);
  });

  it('adds each job to the group of its template', () => {
    for (const { group, request } of first(100)) {
      expect(request.template_id?.startsWith(`${group.id}-`)).toBe(true);
    }
  });

  it('takes as long as its group says', () => {
    for (const { group, durationMs, request } of first(100)) {
      expect(durationMs).toBeGreaterThanOrEqual(group.durationsMs[0]);
      expect(durationMs).toBeLessThanOrEqual(group.durationsMs[1]);
      expect(request.inputs?.['duration-ms']).toBe(String(durationMs));
    }
  });
});

describe('kill moments', () => {
  it('come in order, one in each part of the time', () => {
    const moments = killMoments(new SeededRandom(3), 5, 51_000);
    expect(moments).toHaveLength(5);
    for (const [i, moment] of moments.entries()) {
      expect(moment).toBeGreaterThanOrEqual(1_000 + i * 10_000);
      expect(moment).toBeLessThanOrEqual(1_000 + (i + 1) * 10_000);
    }
  });
});

describe('the seeded stream', () => {
  it('spreads evenly enough, also for neighbouring seeds', () => {
    for (const seed of [0, 1, 2, 1_000_000]) {
      const random = new SeededRandom(seed);
      const counts = Array.from({ length: 10 }, () => 0);
      for (let i = 0; i < 10_000; i += 1) {
        const digit = random.within(0, 9);
        counts[digit] = (counts[digit] ?? 0) + 1;
      }
      for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(200);
    }
    expect(new SeededRandom(1).next()).not.toBe(new SeededRandom(2).next());
  });
});
