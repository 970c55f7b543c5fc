import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import {
  dispatchState,
  groupDemand,
  NOW,
  pendingJob,
  runnerClass,
} from './dispatch-plan.testkit.ts';
import { planDispatch } from './dispatch-plan.ts';
import { patienceOf } from './patience.ts';

const MINUTE = 60_000;

interface Days {
  readonly runners: number;
  readonly units: number;
  /** Runners that something else uses all the time. */
  readonly strangers: number;
  /** How long the runs take, one after the other, in minutes. */
  readonly lengths: readonly number[];
}

/**
 * Each minute of a day: one wide job, narrow ones behind it that never end, and a group of a lower priority that always
 * has jobs.
 * @returns how many were sent of each
 */
function live({ runners, units, strangers, lengths }: Days) {
  const busyUntil = Array.from({ length: runners - strangers }, (_, n) => lengths[n] ?? 1);
  const sent = { wide: 0, narrow: 0, other: 0 };
  let started = 0;
  for (let minute = 0; minute < 24 * 60; minute += 1) {
    const free = busyUntil.filter((end) => end <= minute).length;
    const wide = pendingJob('wide', { priority: 5, createdAt: NOW, runners: units });
    const later = { createdAt: NOW + minute * MINUTE, rank: 1 };
    const heads = {
      g: [...(sent.wide > 0 ? [] : [wide]), pendingJob('narrow', { ...later, priority: 5 })],
      h: Array.from({ length: free }, (_, n) => pendingJob(`other ${n}`, later)),
    };
    const { sends } = planDispatch(
      dispatchState({
        now: NOW + minute * MINUTE,
        classes: [runnerClass(['linux'], free, { online: runners, total: runners })],
        groups: [groupDemand('g', { head: heads.g }), groupDemand('h', { head: heads.h })],
      }),
    );
    for (const { jobId } of sends) {
      const which = jobId === 'wide' || jobId === 'narrow' ? jobId : 'other';
      sent[which] += 1;
      for (let unit = 0; unit < (which === 'wide' ? units : 1); unit += 1) {
        const n = busyUntil.findIndex((end) => end <= minute);
        busyUntil[n] = minute + (lengths[started++ % lengths.length] ?? 1);
      }
    }
  }
  return sent;
}

const lengths = fc.array(fc.integer({ min: 1, max: 180 }), { minLength: 1, maxLength: 9 });
const sizes = fc
  .tuple(fc.integer({ min: 2, max: 5 }), fc.integer({ min: 2, max: 5 }))
  .map(([a, b]) => ({ runners: Math.max(a, b), units: Math.min(a, b) }));

test.prop([sizes, lengths], { numRuns: 40 })(
  'a job that needs several runners starts within a day, beside a group that always has jobs',
  (size, some) => {
    expect(live({ ...size, strangers: 0, lengths: some }).wide).toBe(1);
  },
);

test.prop([sizes, lengths], { numRuns: 40 })(
  'one that never gets enough runners keeps neither its own group nor another waiting for ever',
  (size, some) => {
    const strangers = size.runners - size.units + 1;
    const sent = live({ ...size, strangers, lengths: some });
    expect(sent.wide).toBe(0);
    expect(sent.narrow).toBeGreaterThan(0);
    // Where all runners are taken by the higher priority, that comes first.
    if (size.units > 2) expect(sent.other).toBeGreaterThan(0);
  },
);

it('waits for its own group first, then for all or nobody in turns that double', () => {
  const turns = [0, 14, 15, 29, 30, 59, 60, 119, 120, 239, 240].map((m) => patienceOf(m * MINUTE));
  expect(turns).toEqual([
    ...['group', 'group', 'all', 'all', 'nobody', 'nobody'],
    ...['all', 'all', 'nobody', 'nobody', 'all'],
  ]);
});
