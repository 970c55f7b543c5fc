import { expect, it } from 'vitest';
import { queuesBetween } from './depth.ts';

const jobsOf = (queues: ReturnType<typeof queuesBetween>): number[] =>
  queues.map(({ jobs }) => jobs);

it('gives every group a thousandth of all jobs and the first one the rest', () => {
  expect(jobsOf(queuesBetween(0, 10_000, 3))).toEqual([9_980, 10, 10]);
});

it('fills in steps to what one step would have made', () => {
  const first = jobsOf(queuesBetween(0, 1_000, 100));
  const second = jobsOf(queuesBetween(1_000, 100_000, 100));
  const sum = first.map((jobs, i) => jobs + (second[i] ?? 0));
  expect(sum).toEqual(jobsOf(queuesBetween(0, 100_000, 100)));
  expect(sum.reduce((a, b) => a + b)).toBe(100_000);
});
