import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attempt, attemptWithRun, CLAIMED_AT, workflowJob } from './attempt.testkit.ts';
import { type HoldInput, holdsOf } from './holds.ts';

const MINUTE = 60_000;

function holding(over: Partial<HoldInput>) {
  return holdsOf({
    attempt: attempt('a', { state: 'claimed' }),
    workflowJobs: [],
    areWorkflowJobsObserved: false,
    listings: [],
    busyRunnerIds: new Set(),
    now: CLAIMED_AT + 20_000,
    pickupTimeoutMs: 15 * MINUTE,
    uncertaintyMs: 0,
    areFittingRunnersIdle: false,
    ...over,
  });
}

const observed = (...workflowJobs: HoldInput['workflowJobs']) => ({
  workflowJobs,
  areWorkflowJobsObserved: true,
});
const listedAt = (completedSentAt: number | null, scope = 'org:acme') => ({
  scope,
  completedSentAt,
});

describe('an attempt whose run is not known', () => {
  it.each(['claimed', 'accepted', 'unknown'] as const)('holds all its runners when %s', (state) => {
    const { holds, ended } = holding({ attempt: attempt('a', { state, runners: 3 }) });
    expect(holds).toEqual([
      {
        attemptId: 'a',
        jobId: 'job of a',
        groupId: 'g',
        labels: ['linux'],
        owner: 'acme',
        repo: 'app',
        count: 3,
      },
    ]);
    expect(ended).toBeNull();
  });

  it.each(['refused', 'absent'] as const)('holds nothing when %s', (state) => {
    expect(holding({ attempt: attempt('a', { state }) }).holds).toEqual([]);
  });

  it('keeps holding after any pass: its run may start a moment later', () => {
    const listings = [listedAt(CLAIMED_AT + 19_000)];
    expect(holding({ listings }).holds).toHaveLength(1);
  });
});

describe('an attempt whose run is known', () => {
  it('holds one runner per queued workflow job, with the labels of that job', () => {
    const jobs = observed(
      workflowJob('1'),
      workflowJob('2'),
      workflowJob('3', { labels: ['gpu'] }),
      workflowJob('4', { labels: [] }),
      workflowJob('5', { status: 'completed' }),
    );
    const { holds } = holding({ attempt: attemptWithRun('in_progress'), ...jobs });
    expect(holds.map(({ labels, count }) => [labels, count])).toEqual([
      [['linux'], 3],
      [['gpu'], 1],
    ]);
  });

  it('holds what its template says while its workflow jobs are not known', () => {
    const known = attemptWithRun('queued', { runners: 2 });
    expect(holding({ attempt: known }).holds[0]?.count).toBe(2);
    expect(holding({ attempt: known, ...observed() }).holds[0]?.count).toBe(2);
  });

  it.each(['waiting', 'pending', 'requested'])('holds nothing while the run is %s', (status) => {
    const { holds, ended } = holding({
      attempt: attemptWithRun(status),
      ...observed(workflowJob('1', { status: 'waiting' })),
    });
    expect(holds).toEqual([]);
    expect(ended).toBeNull();
  });

  it('holds nothing once the run has ended', () => {
    const ended = attemptWithRun('completed', { endedAt: CLAIMED_AT + 5 });
    expect(holding({ attempt: ended }).holds).toEqual([]);
    expect(holding({ attempt: attemptWithRun('completed') }).holds).toEqual([]);
  });
});

describe('a hold ends', () => {
  const started = workflowJob('1', {
    status: 'in_progress',
    startedAt: CLAIMED_AT + 5_000,
    runnerId: '9',
  });
  const inProgress = { attempt: attemptWithRun('in_progress'), ...observed(started) };

  it('when the runner is marked busy, not when the run starts', () => {
    expect(holding(inProgress).holds).toHaveLength(1);
    const busy = holding({ ...inProgress, busyRunnerIds: new Set(['9']) });
    expect(busy).toMatchObject({ holds: [], ended: 'started' });
  });

  it('when a complete pass was sent after the run had surely started', () => {
    const at = (sentAt: number, uncertaintyMs = 0) =>
      holding({ ...inProgress, listings: [listedAt(sentAt)], uncertaintyMs }).ended;
    expect(at(CLAIMED_AT + 4_000)).toBeNull();
    // The forge rounds down: 5 s may have been 5.9 s.
    expect(at(CLAIMED_AT + 5_500)).toBeNull();
    expect(at(CLAIMED_AT + 6_000)).toBe('started');
    expect(at(CLAIMED_AT + 6_000, 500)).toBeNull();
  });

  it('only when every scope that could have the runner was looked at', () => {
    const [early, late] = [listedAt(CLAIMED_AT), listedAt(CLAIMED_AT + 9_000, 'repo:acme/app')];
    expect(holding({ ...inProgress, listings: [early, late] }).holds).toHaveLength(1);
    const never = listedAt(null, 'enterprise:all');
    expect(holding({ ...inProgress, listings: [never, late] }).ended).toBe('started');
  });

  it('after the pickup timeout, if runners that fit are idle', () => {
    const queued = {
      attempt: attemptWithRun('queued', { labels: ['linux'] }),
      ...observed(workflowJob('1', { labels: ['windows'] })),
      now: CLAIMED_AT + 1_000 + 15 * MINUTE,
    };
    expect(holding(queued).ended).toBeNull();
    expect(holding({ ...queued, areFittingRunnersIdle: true })).toEqual({
      holds: [],
      ended: 'not-picked-up',
      wanted: [['windows']],
    });
    const early = { ...queued, now: queued.now - 1, areFittingRunnersIdle: true };
    expect(holding(early).ended).toBeNull();
  });

  it('for the workflow jobs that were there, not for those queued later', () => {
    const recorded = attemptWithRun('in_progress', { holdEndedAt: CLAIMED_AT + 9_000 });
    expect(holding({ attempt: recorded, ...observed(started) })).toMatchObject({
      holds: [],
      ended: 'started',
    });
    const later = workflowJob('2', { createdAt: CLAIMED_AT + 15_000 });
    expect(holding({ attempt: recorded, ...observed(started, later) }).holds[0]?.count).toBe(1);
  });
});

describe('for any attempt', () => {
  it('holds end or exist, never both, and never count zero', () => {
    const status = fc.constantFrom('queued', 'in_progress', 'completed', 'waiting', 'odd');
    const time = fc.integer({ min: -5_000, max: 20 * MINUTE }).map((ms) => CLAIMED_AT + ms);
    const jobs = fc.array(
      fc.record({
        status,
        labels: fc.uniqueArray(fc.constantFrom('linux', 'gpu')),
        startedAt: fc.option(time),
        createdAt: fc.option(time),
      }),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(
        status,
        jobs,
        fc.option(time),
        fc.boolean(),
        time,
        (runStatus, made, listing, areFittingRunnersIdle, now) => {
          const { holds, ended } = holding({
            attempt: attemptWithRun(runStatus),
            ...observed(...made.map((one, i) => workflowJob(String(i), one))),
            listings: [listedAt(listing)],
            areFittingRunnersIdle,
            now,
          });
          expect(holds.every(({ count }) => count > 0)).toBe(true);
          expect(ended === null || holds.length === 0).toBe(true);
        },
      ),
    );
  });
});
