import { expect, it } from 'vitest';
import type { PendingJob } from '../dispatch-state.ts';
import { dispatchState, groupDemand, pendingJob, runnerClass } from './dispatch-plan.testkit.ts';
import { planDispatch } from './dispatch-plan.ts';

const probe = (id: string, over: Partial<PendingJob> = {}) =>
  pendingJob(id, { isYielding: true, priority: 10, repo: 'bad', ...over });

const sent = (free: number, ...heads: PendingJob[][]): string[] => {
  const groups = heads.map((head, n) => groupDemand(`group ${n}`, { head }));
  const classes = [runnerClass(['linux'], free)];
  return planDispatch(dispatchState({ groups, classes })).sends.map(({ jobId }) => jobId);
};

it('a probe of what always fails takes a runner only where no other job wants it, of whatever group and priority', () => {
  const good = pendingJob('good', { rank: 1 });
  expect(sent(1, [probe('bad'), good])).toEqual(['good']);
  expect(sent(1, [probe('bad')], [good])).toEqual(['good']);
  expect(sent(2, [probe('bad'), good]).toSorted()).toEqual(['bad', 'good']);
  expect(sent(1, [probe('bad')])).toEqual(['bad']);
});

it('a job that fits no runner keeps no probe waiting', () => {
  expect(sent(1, [probe('bad'), pendingJob('elsewhere', { owner: 'other', rank: 1 })])).toEqual([
    'bad',
  ]);
});

it('probes keep their order among themselves', () => {
  expect(sent(1, [probe('late', { priority: 0 })], [probe('first')])).toEqual(['first']);
});
