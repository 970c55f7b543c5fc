import { fc } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { DispatchState, GroupDemand, PendingJob } from '../dispatch-state.ts';
import {
  anyState,
  groupPlan,
  mostMatched,
  sentIds,
  shuffledState,
  unitFits,
  unitsOfHold,
  unitsOfJob,
} from './dispatch-plan.testkit.ts';
import { planDispatch } from './dispatch-plan.ts';

interface Placed {
  readonly group: GroupDemand;
  readonly job: PendingJob;
  readonly isSent: boolean;
}

function jobsOf(state: DispatchState): Placed[] {
  const sent = new Set(sentIds(state));
  return state.groups.flatMap((group) =>
    group.head.map((job) => ({ group, job, isSent: sent.has(job.id) })),
  );
}

const unitsOf = (placed: readonly Placed[]) =>
  placed.flatMap(({ group, job }) => unitsOfJob(group, job));

/** What the group's own rules, other than runners, keep from being sent. */
function isLimited(state: DispatchState, { group, job }: Placed): boolean {
  const sends = planDispatch(state).sends;
  const drawn = sends.filter(({ jobId }) =>
    state.groups.some(({ head }) =>
      head.some((one) => one.id === jobId && one.credentialId === job.credentialId),
    ),
  );
  const allowance = state.allowances.find((one) => one.credentialId === job.credentialId);
  const live = group.live + sends.filter(({ groupId }) => groupId === group.id).length;
  return (
    !group.isEnabled ||
    group.isPaused ||
    (group.maxParallel !== null && live >= group.maxParallel) ||
    drawn.length >= (allowance?.left ?? Infinity)
  );
}

function isBehindWide(all: readonly Placed[], { group, job }: Placed): boolean {
  const before = group.head.slice(0, group.head.indexOf(job));
  return all.some((one) => !one.isSent && one.job.runners > 1 && before.includes(one.job));
}

describe('planDispatch, for any state', () => {
  it('sends no more jobs than can each have free runners of their own beside all holds', () => {
    fc.assert(
      fc.property(anyState, (state) => {
        const holds = state.holds.flatMap(unitsOfHold);
        const sends = unitsOf(jobsOf(state).filter(({ isSent }) => isSent));
        const together = mostMatched([...holds, ...sends], state.classes);
        expect(together).toBe(mostMatched(holds, state.classes) + sends.length);
      }),
      { numRuns: 500 },
    );
  });

  it('lets no job of an open group wait while a swap would free it a runner', () => {
    fc.assert(
      fc.property(anyState, (state) => {
        const all = jobsOf(state);
        const taken = [
          ...state.holds.flatMap(unitsOfHold),
          ...unitsOf(all.filter(({ isSent }) => isSent)),
        ];
        const most = mostMatched(taken, state.classes);
        for (const one of all) {
          if (one.isSent || isLimited(state, one) || isBehindWide(all, one)) continue;
          const more = mostMatched([...taken, ...unitsOf([one])], state.classes);
          expect(more, one.job.id).toBeLessThan(most + one.job.runners);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('takes no runner for a lower priority that a waiting job of a higher one could use', () => {
    fc.assert(
      fc.property(anyState, (state) => {
        const all = jobsOf(state);
        for (const one of all) {
          if (one.isSent || isLimited(state, one) || isBehindWide(all, one)) continue;
          const before = all.filter(
            ({ isSent, job }) => isSent && job.priority >= one.job.priority,
          );
          const taken = [...state.holds.flatMap(unitsOfHold), ...unitsOf(before)];
          const more = mostMatched([...taken, ...unitsOf([one])], state.classes);
          expect(more).toBeLessThan(mostMatched(taken, state.classes) + one.job.runners);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('keeps the order inside a group among jobs that are alike', () => {
    fc.assert(
      fc.property(anyState, (state) => {
        const all = jobsOf(state);
        for (const { group, job, isSent } of all) {
          if (isSent) continue;
          const behind = group.head.slice(group.head.indexOf(job) + 1);
          const overtakers = all.filter(
            (one) =>
              one.isSent &&
              behind.includes(one.job) &&
              one.job.repo === job.repo &&
              one.job.owner === job.owner &&
              one.job.credentialId === job.credentialId &&
              one.job.runners >= job.runners,
          );
          expect(overtakers).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('keeps to caps, pauses and allowances', () => {
    fc.assert(
      fc.property(anyState, (state) => {
        const plan = planDispatch(state);
        for (const group of state.groups) {
          const sends = plan.sends.filter(({ groupId }) => groupId === group.id).length;
          const mayAll = group.isEnabled && !group.isPaused;
          const room = Math.max(0, (group.maxParallel ?? Infinity) - group.live);
          expect(sends).toBeLessThanOrEqual(mayAll ? room : 0);
          expect(plan.groups.find(({ groupId }) => groupId === group.id)?.sends).toBe(sends);
        }
        for (const { credentialId, left } of state.allowances) {
          const drawn = jobsOf(state).filter(
            ({ isSent, job }) => isSent && job.credentialId === credentialId,
          );
          expect(drawn.length).toBeLessThanOrEqual(left ?? Infinity);
        }
      }),
    );
  });

  it('says the same whatever the order of its input lists', () => {
    fc.assert(
      fc.property(
        anyState.chain((state) => fc.tuple(fc.constant(state), shuffledState(state))),
        ([state, shuffled]) => {
          expect(planDispatch(shuffled)).toEqual(planDispatch(state));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('counts in its report what fits the jobs in line', () => {
    fc.assert(
      fc.property(anyState, (state) => {
        for (const group of state.groups.filter(({ head }) => head.length > 0)) {
          const units = group.head.flatMap((job) => unitsOfJob(group, job));
          const fitting = state.classes.filter((one) => units.some((unit) => unitFits(unit, one)));
          const plan = groupPlan(state, group.id);
          const sum = (of: (one: (typeof fitting)[number]) => number) =>
            fitting.reduce((all, one) => all + of(one), 0);
          expect(plan.fitting).toBe(sum(({ total }) => total));
          expect(plan.online).toBe(sum(({ online }) => online));
          expect(plan.free).toBe(sum(({ isFresh, free }) => (isFresh ? free : 0)));
        }
      }),
    );
  });
});
