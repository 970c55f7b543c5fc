import { expect, it } from 'vitest';
import { cyclesBetween } from './phases.ts';

const scrape = (cycles: number, seconds: number, dispatches: number): string =>
  [
    'dispatchoor_dispatch_phase_seconds_bucket{le="0.1",phase="load"} 3',
    `dispatchoor_dispatch_phase_seconds_sum{phase="load"} ${seconds}`,
    `dispatchoor_dispatch_phase_seconds_count{phase="load"} ${cycles}`,
    `dispatchoor_dispatcher_dispatches_total ${dispatches}`,
    '',
  ].join('\n');

it('tells the mean of the cycles between two scrapes, not of those before', () => {
  expect(cyclesBetween(scrape(10, 5, 2), scrape(14, 5.1, 9))).toMatchObject({
    cycles: 4,
    dispatches: 7,
    loadMs: expect.closeTo(25),
    planMs: undefined,
  });
});

it('tells nothing of a phase in which nothing happened', () => {
  expect(cyclesBetween(scrape(10, 5, 2), scrape(10, 5, 2)).loadMs).toBeUndefined();
});
