import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { DispatchState, PendingJob } from '../dispatch-state.ts';
import {
  anyState,
  dispatchState,
  groupDemand,
  groupPlan,
  hold,
  NOW,
  pendingJob,
  runnerClass,
  sentIds,
} from './dispatch-plan.testkit.ts';
import { planDispatch } from './dispatch-plan.ts';

describe('planDispatch', () => {
  it('assigns all free runners in one plan (defect #33)', () => {
    const head = Array.from({ length: 5 }, (_, i) => pendingJob(`j${i}`, { rank: i }));
    const state = dispatchState({
      classes: [runnerClass(['linux'], 3)],
      groups: [groupDemand('g', { head })],
    });
    expect(sentIds(state)).toEqual(['j0', 'j1', 'j2']);
    expect(groupPlan(state)).toMatchObject({ free: 3, limit: 'runners', sends: 3 });
  });

  it('never gives one free runner to two groups (defect #33)', () => {
    const state = dispatchState({
      classes: [runnerClass(['linux', 'x64'], 1)],
      groups: [
        groupDemand('g', { head: [pendingJob('a')] }),
        groupDemand('h', { labels: ['x64'], head: [pendingJob('b', { createdAt: NOW })] }),
      ],
    });
    expect(sentIds(state)).toEqual(['a']);
    expect(groupPlan(state, 'h')).toMatchObject({ free: 1, heldBy: ['a'], limit: 'runners' });
  });

  it('keeps runners with more labels for the jobs that ask for them', () => {
    const state = dispatchState({
      classes: [runnerClass(['linux', 'gpu'], 1), runnerClass(['linux'], 1)],
      groups: [
        groupDemand('g', { head: [pendingJob('plain', { priority: 9 })] }),
        groupDemand('h', { labels: ['gpu'], head: [pendingJob('special')] }),
      ],
    });
    expect(planDispatch(state)).toMatchObject({ steps: 0 });
    expect(sentIds(state)).toEqual(['special', 'plain']);
  });

  it('moves an earlier choice over when a job could have no other runner', () => {
    const state = dispatchState({
      classes: [runnerClass(['linux', 'a'], 1), runnerClass(['linux', 'b'], 1)],
      holds: [hold('held')],
      groups: [groupDemand('g', { labels: ['a'], head: [pendingJob('only a')] })],
    });
    expect(sentIds(state)).toEqual(['only a']);
    expect(planDispatch(state).steps).toBeGreaterThan(0);
  });

  it('takes runners that serve one repository before those that serve all', () => {
    const state = dispatchState({
      classes: [runnerClass(['linux'], 1), runnerClass(['linux'], 1, { scope: 'repo:acme/app' })],
      groups: [
        groupDemand('g', {
          head: [pendingJob('app', { rank: 0 }), pendingJob('lib', { rank: 1, repo: 'lib' })],
        }),
      ],
    });
    expect(sentIds(state)).toEqual(['lib', 'app']);
    expect(planDispatch(state).steps).toBe(0);
  });

  it('is not blocked by a job whose repository no runner serves', () => {
    const state = dispatchState({
      classes: [runnerClass(['linux'], 1)],
      groups: [
        groupDemand('g', {
          head: [pendingJob('lost', { owner: 'nobody' }), pendingJob('fine', { rank: 1 })],
        }),
      ],
    });
    expect(sentIds(state)).toEqual(['fine']);
    expect(groupPlan(state)).toMatchObject({
      limit: 'runners',
      labelsMissing: [],
    });
  });

  it('lets a job that needs two runners wait for both, and those behind it in its group with it', () => {
    const wide = pendingJob('wide', { runners: 2 });
    const state = dispatchState({
      classes: [runnerClass(['linux'], 1, { online: 2, total: 2 })],
      groups: [groupDemand('g', { head: [wide, pendingJob('narrow', { rank: 1 })] })],
    });
    expect(sentIds(state)).toEqual([]);
    expect(groupPlan(state)).toMatchObject({
      limit: 'runners',
      limitMessage: 'the next job needs 2 free runners at once',
    });
  });

  it('stops no other group for a job that needs more runners than are free', () => {
    const state = dispatchState({
      classes: [runnerClass(['linux'], 1, { online: 2, total: 2 })],
      groups: [
        groupDemand('g', { head: [pendingJob('wide', { runners: 2, priority: 9 })] }),
        groupDemand('h', { head: [pendingJob('other')] }),
      ],
    });
    expect(sentIds(state)).toEqual(['other']);
  });

  it('stops no job behind one that needs more runners than there are', () => {
    const state = dispatchState({
      classes: [runnerClass(['linux'], 1, { online: 2, total: 2 })],
      groups: [
        groupDemand('g', {
          head: [pendingJob('huge', { runners: 3 }), pendingJob('b', { rank: 1 })],
        }),
      ],
    });
    expect(sentIds(state)).toEqual(['b']);
  });

  it('sends nothing to runners that no fresh pass vouches for (defect #15)', () => {
    const state = dispatchState({
      classes: [runnerClass(['linux'], 2, { isFresh: false })],
      groups: [groupDemand('g', { head: [pendingJob('a')] })],
    });
    expect(sentIds(state)).toEqual([]);
    expect(groupPlan(state)).toMatchObject({ free: 0, fitting: 2, isStale: true });
  });

  it('lets a hold that has lost its runner take no other', () => {
    const state = dispatchState({
      classes: [runnerClass(['linux'], 1)],
      holds: [hold('gpu job', { labels: ['gpu'], count: 3 })],
      groups: [groupDemand('g', { head: [pendingJob('a')] })],
    });
    expect(sentIds(state)).toEqual(['a']);
  });

  it('names the cap or the allowance that stops the next job', () => {
    const head = [pendingJob('a'), pendingJob('b', { rank: 1 })];
    const classes = [runnerClass(['linux'], 5)];
    const capped = dispatchState({
      classes,
      groups: [groupDemand('g', { head, maxParallel: 2, live: 1 })],
    });
    expect(groupPlan(capped)).toMatchObject({
      limit: 'cap',
      limitMessage: '2 of at most 2 jobs of the group are under way',
      sends: 1,
    });
    const allowance = {
      credentialId: 'token',
      left: 1,
      reason: 'forge-unavailable' as const,
      message: 'asks again soon',
      retryAt: NOW + 5_000,
    };
    const limited = dispatchState({
      classes,
      groups: [groupDemand('g', { head })],
      allowances: [allowance],
    });
    expect(groupPlan(limited)).toMatchObject({
      limit: 'forge-unavailable',
      limitMessage: 'asks again soon',
      retryAt: NOW + 5_000,
      sends: 1,
    });
  });

  describe('of jobs whose runs will be known by their time alone', () => {
    const plain = (id: string, inputsHash: string, over: Partial<PendingJob> = {}) =>
      pendingJob(id, { rank: Number(id.slice(1)), isNamed: false, inputsHash, ...over });
    const stateOf = (head: PendingJob[], doubts: DispatchState['doubts'] = []) =>
      dispatchState({
        classes: [runnerClass(['linux'], 9)],
        groups: [groupDemand('g', { head })],
        doubts,
      });

    it('sends one of several inputs at a time, and passes over the others', () => {
      const named = pendingJob('j4', { rank: 4 });
      const elsewhere = plain('j5', 'two', { ref: 'next' });
      const same = plain('j0', 'one');
      const head = [same, plain('j1', 'one'), plain('j2', 'two'), plain('j3', 'one')];
      head.push(named, elsewhere);
      // The third would keep the second waiting: it does not overtake it.
      expect(sentIds(stateOf(head))).toEqual(['j0', 'j1', 'j4', 'j5']);
      expect(planDispatch(stateOf(head)).awaitsOutcome).toBe(true);
      expect(groupPlan(stateOf(head))).toMatchObject({
        limit: 'outcome-pending',
        limitMessage: 'job j0 was sent to ci.yml with other inputs',
      });
    });

    it('keeps a branch apart from a tag of its name, which a run does not', () => {
      const branch = plain('j1', 'one', { ref: 'refs/heads/v1' });
      for (const ref of ['refs/tags/v1', 'tags/v1', 'heads/v1', 'v1']) {
        expect(sentIds(stateOf([branch, plain('j2', 'one', { ref })]))).toEqual(['j1']);
      }
    });

    it('sends none of other inputs while one is in doubt, however its workflow is written', () => {
      const place = { owner: 'ACME', repo: 'app', workflowId: '7', ref: 'main' };
      const doubt = { ...place, jobId: 'before', inputsHash: 'two', claimedAt: NOW };
      const head = [plain('j1', 'one')];
      expect(sentIds(stateOf(head, [doubt]))).toEqual([]);
      expect(sentIds(stateOf([plain('j2', 'two')], [doubt]))).toEqual(['j2']);
      const path = { ...doubt, workflowId: '.github/workflows/ci.yml' };
      expect(sentIds(stateOf(head, [path]))).toEqual([]);
      const other = { ...doubt, workflowId: 'other.yml' };
      expect(sentIds(stateOf(head, [other]))).toEqual(['j1']);
    });

    it('does not make the jobs of a third workflow wait for one that waits, its workflow written as a number', () => {
      const place = { owner: 'acme', repo: 'app', ref: 'main' };
      const doubt = { ...place, workflowId: 'build.yaml', jobId: 'before', claimedAt: NOW };
      const doubts = [{ ...doubt, inputsHash: 'one' }];
      const waits = plain('j1', 'two', { workflowId: '101' });
      const third = plain('j2', 'three', { workflowId: 'deploy.yaml' });
      expect(sentIds(stateOf([waits, third], doubts))).toEqual(['j2']);
      // Either would keep the first waiting: as equal to what it waits for, and by the same number.
      const likeDoubt = plain('j3', 'one', { workflowId: '.github/workflows/build.yaml' });
      const sameNumber = plain('j4', 'one', { workflowId: '101' });
      expect(sentIds(stateOf([waits, likeDoubt, sameNumber, third], doubts))).toEqual(['j2']);
      // Once the third is in doubt too, no more of it are sent before the first.
      const both = [...doubts, { ...doubt, workflowId: 'deploy.yaml', inputsHash: 'three' }];
      expect(sentIds(stateOf([waits, third], both))).toEqual([]);
      expect(sentIds(stateOf([third], both))).toEqual(['j2']);
    });

    test.prop([
      anyState,
      fc.array(fc.tuple(fc.boolean(), fc.constantFrom('one', 'two')), { minLength: 1 }),
    ])('never has two of one key with different inputs in doubt at once', (state, facts) => {
      let next = 0;
      const groups = state.groups.map((group) => ({
        ...group,
        head: group.head.map((job) => {
          const [isNamed, inputsHash] = facts[next++ % facts.length] ?? [false, `${next % 2}`];
          return { ...job, isNamed, inputsHash };
        }),
      }));
      const jobs = new Map(groups.flatMap(({ head }) => head.map((job) => [job.id, job])));
      const sent = planDispatch({ ...state, groups }).sends.flatMap(({ jobId }) => {
        const job = jobs.get(jobId);
        return job === undefined || job.isNamed ? [] : [job];
      });
      for (const byRepo of Map.groupBy(sent, (job) => `${job.owner}/${job.repo}`).values()) {
        expect(new Set(byRepo.map(({ inputsHash }) => inputsHash)).size).toBe(1);
      }
    });
  });

  it('counts per scope what is free and what the plan leaves', () => {
    const lib = { scope: 'repo:acme/lib', online: 3, total: 4 };
    const state = dispatchState({
      classes: [
        runnerClass(['linux'], 2),
        runnerClass(['linux', 'gpu'], 1),
        runnerClass(['linux'], 1, lib),
      ],
      holds: [hold('held', { repo: 'lib' })],
      groups: [groupDemand('g', { head: [pendingJob('a'), pendingJob('b', { rank: 1 })] })],
    });
    const isFresh = true;
    expect(groupPlan(state).scopes).toEqual([
      { scope: 'org:acme', free: 3, left: 1, online: 3, total: 3, isFresh },
      { scope: 'repo:acme/lib', free: 1, left: 0, online: 3, total: 4, isFresh },
    ]);
  });

  it('says which labels no runner has, or has together', () => {
    const classes = [runnerClass(['linux'], 1), runnerClass(['gpu'], 1)];
    const missing = (labels: string[]) =>
      groupPlan(dispatchState({ classes, groups: [groupDemand('g', { labels })] })).labelsMissing;
    expect(missing(['linux', 'arm'])).toEqual(['arm']);
    expect(missing(['linux', 'gpu'])).toEqual(['linux']);
    expect(missing(['gpu'])).toEqual([]);
  });

  it('says what stops the jobs beyond the part of the queue that it was shown', () => {
    const cut = groupDemand('g', { head: [pendingJob('a')], pendingCount: 9 });
    const classes = [runnerClass(['linux'], 1)];
    expect(groupPlan(dispatchState({ classes, groups: [cut] })).limit).toBe('runners');
    const empty = { ...cut, head: [] };
    expect(groupPlan(dispatchState({ groups: [empty] })).limit).toBe('runners');
    const whole = { ...cut, pendingCount: 1 };
    expect(groupPlan(dispatchState({ classes, groups: [whole] })).limit).toBeNull();
  });
});
