import { Random } from '@dispatchoor/forge-sim/client';
import { describe, expect, it } from 'vitest';
import { killMoments } from '../kill-moments.ts';
import { demoGroups, FAILING_TEMPLATE_ID } from '../site/setting.ts';
import { type PlannedJob, plannedJobs } from './plan.ts';

function first(count: number, seed = 1): PlannedJob[] {
  const plan = plannedJobs(new Random(seed, 'load'));
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
    const moments = killMoments(new Random(3, 'kills'), 5, 51_000);
    expect(moments).toHaveLength(5);
    for (const [i, moment] of moments.entries()) {
      expect(moment).toBeGreaterThanOrEqual(1_000 + i * 10_000);
      expect(moment).toBeLessThanOrEqual(1_000 + (i + 1) * 10_000);
    }
  });
});
