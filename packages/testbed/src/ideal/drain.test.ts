import { expect, it } from 'vitest';
import { idealDrainMs } from './drain.ts';

it.each([
  [500, 50, 10 * 11_570],
  [501, 50, 11 * 11_570],
  [1, 50, 11_570],
])('%d jobs on %d runners need %d ms', (jobs, runners, ms) => {
  expect(idealDrainMs({ jobs, runners, jobMs: 10_000, dispatchToStartMs: 1_570 })).toBe(ms);
});
