import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attempt, attemptWithRun, CLAIMED_AT, workflowJob } from '../attempt.testkit.ts';
import type { GroupPlan, ScopeCounts } from '../dispatch-state.ts';
import type { WaitInput } from './input.ts';
import { whyWaiting } from './why-waiting.ts';

const NOW = CLAIMED_AT + 60_000;
const MINUTE = 60_000;

const SERVING = { scope: 'org:acme', free: 0, left: 0, online: 2, total: 3, isFresh: true };

function groupPlan(over: Partial<GroupPlan> = {}): GroupPlan {
  return {
    groupId: 'g',
    plannedAt: NOW,
    free: 0,
    fitting: 3,
    online: 2,
    isStale: false,
    labelsMissing: [],
    scopes: [SERVING],
    heldBy: [],
    limit: 'runners',
    limitMessage: '',
    retryAt: null,
    sends: 0,
    ...over,
  };
}

/** The runners that serve the job, beside some that do not. */
function planWith(runners: Partial<ScopeCounts>, over: Partial<GroupPlan> = {}): GroupPlan {
  const other = { ...SERVING, scope: 'org:other', free: 7, left: 7, online: 9, total: 9 };
  return groupPlan({ scopes: [{ ...SERVING, ...runners }, other], ...over });
}

const PENDING: WaitInput = {
  job: {
    id: 'job',
    state: 'pending',
    isPaused: false,
    notBefore: null,
    createdAt: CLAIMED_AT,
    triggeredAt: null,
    errorMessage: '',
  },
  target: { owner: 'acme', repo: 'app', workflowId: 'ci.yml', ref: 'main' },
  templateChange: undefined,
  attempt: undefined,
  workflowJobs: [],
  group: {
    name: 'Linux',
    isEnabled: true,
    isPaused: false,
    runnerLabels: ['linux'],
    labelCase: 'ignored',
  },
  plan: groupPlan(),
  block: undefined,
  doubt: undefined,
  credential: {
    ...{ configKey: 'github.token', isConfigured: true, isConnected: true },
    ...{ blockedUntil: null, error: '' },
  },
  listings: [{ scope: 'org:acme', isListed: true, error: '' }],
  isDispatcherEnabled: true,
  ahead: 4,
  pickupTimeoutMs: 15 * MINUTE,
  now: NOW,
};
const BLOCK = { message: 'Not Found', nextProbeAt: NOW + 9, since: CLAIMED_AT + 5 };

const DOUBT = {
  ...{ owner: 'acme', repo: 'app', workflowId: 'ci.yml', ref: 'main', inputsHash: 'other' },
  ...{ jobId: 'sent before', claimedAt: CLAIMED_AT + 7 },
};

const pending = (over: Partial<WaitInput>) => whyWaiting({ ...PENDING, ...over });
const UNSEEN = { scope: 'org:acme', isListed: false, error: '' };
const FORBIDDEN = { scope: 'org:acme', isListed: true, error: 'lacks a permission' };
const paused = { ...PENDING.job, isPaused: true };

describe('a pending job', () => {
  const { job, group, credential } = PENDING;
  it.each<[string, Partial<WaitInput>]>([
    ['job-paused', { job: paused }],
    ['group-disabled', { group: { ...group, isEnabled: false } }],
    ['group-paused', { group: { ...group, isPaused: true } }],
    ['dispatch-disabled', { isDispatcherEnabled: false }],
    ['no-access', { block: { ...BLOCK, kind: 'no-access' } }],
    ['repository-archived', { block: { ...BLOCK, kind: 'archived' } }],
    ['workflow-disabled', { block: { ...BLOCK, kind: 'workflow-disabled' } }],
    ['template-broken', { block: { ...BLOCK, kind: 'template-broken' } }],
    ['forge-unavailable', { credential: { ...credential, isConfigured: false } }],
    ['forge-unavailable', { credential: { ...credential, isConnected: false } }],
    ['stale-runners', { plan: groupPlan({ scopes: [] }), listings: [] }],
    ['stale-runners', { plan: groupPlan({ scopes: [] }), listings: [UNSEEN] }],
    ['stale-runners', { plan: groupPlan({ scopes: [] }), listings: [FORBIDDEN] }],
    ['no-runner-matches', { plan: groupPlan({ labelsMissing: ['gpu'] }) }],
    ['no-runner-matches', { plan: groupPlan({ scopes: [] }) }],
    ['no-runner-matches', { plan: planWith({ scope: 'repo:acme/lib' }) }],
    ['all-offline', { plan: planWith({ online: 0 }) }],
    ['stale-runners', { plan: planWith({ isFresh: false }) }],
    ['backoff', { job: { ...job, notBefore: NOW + 1 } }],
    ['rate-limited', { credential: { ...credential, blockedUntil: NOW + 1 } }],
    // After a restart: whether the token works may not even be asked.
    ['rate-limited', { credential: { ...credential, isConnected: false, blockedUntil: NOW + 1 } }],
    [
      'forge-unavailable',
      { credential: { ...credential, isConnected: false, blockedUntil: NOW + 1, error: '401' } },
    ],
    ['rate-limited', { plan: groupPlan({ limit: 'rate-limited' }) }],
    ['forge-unavailable', { plan: groupPlan({ limit: 'forge-unavailable' }) }],
    ['cap', { plan: groupPlan({ limit: 'cap' }) }],
    ['outcome-pending', { doubt: DOUBT }],
    ['outcome-pending', { plan: planWith({ free: 2, left: 2 }, { limit: 'outcome-pending' }) }],
    ['held', { plan: planWith({ free: 1 }) }],
    ['held', { plan: planWith({ free: 1, left: 1 }, { limitMessage: 'the next needs 2' }) }],
    [
      'all-busy',
      { plan: planWith({ free: 1 }, { heldBy: ['job'], limitMessage: 'the next needs 2' }) },
    ],
    ['all-busy', { ahead: 0, plan: planWith({ free: 1, left: 1 }, { limitMessage: 'needs 2' }) }],
    ['all-busy', { plan: planWith({}, { limit: null }) }],
    ['all-busy', {}],
    ['placing', { plan: planWith({ free: 1, left: 1 }) }],
    ['placing', { plan: undefined }],
  ])('waits for %s', (code, over) => {
    expect(pending(over)?.code).toBe(code);
  });

  it('blames the listing, not the labels, when the runners could not be seen', () => {
    const plan = groupPlan({ scopes: [], labelsMissing: ['linux'] });
    const why = pending({ plan, listings: [FORBIDDEN] });
    expect(why).toMatchObject({ code: 'stale-runners', labelsMissing: [] });
    expect(why?.message).toContain('org:acme could not be listed');
    expect(why?.message).toContain('lacks a permission');
  });

  it('tells what a person can act on before what passes by itself', () => {
    const broken = { ...BLOCK, kind: 'template-broken' as const };
    expect(pending({ block: broken, job: { ...job, notBefore: NOW + 1 } })?.code).toBe(
      'template-broken',
    );
    const limited = { ...credential, blockedUntil: NOW + 1 };
    const plan = groupPlan({ labelsMissing: ['gpu'] });
    expect(pending({ credential: limited, plan })?.code).toBe('no-runner-matches');
    expect(pending({ job: paused, plan })?.code).toBe('job-paused');
  });

  it('tells of a workflow that fails until it may be tried again, then what else it waits for', () => {
    const block = { ...BLOCK, kind: 'failing' as const };
    expect(pending({ block, doubt: DOUBT })?.code).toBe('forge-unavailable');
    expect(pending({ block, doubt: DOUBT, now: BLOCK.nextProbeAt })?.code).toBe('outcome-pending');
  });

  it('tells whose turn it is where something failed, instead of "nothing stops it" for a quarter of an hour', () => {
    const block = { ...BLOCK, kind: 'failing' as const };
    const why = pending({ block, now: BLOCK.nextProbeAt, plan: planWith({ free: 1, left: 1 }) });
    expect(why).toMatchObject({ code: 'forge-unavailable', retryAt: null });
    expect(why?.message).toContain('one job at a time is tried');
  });

  it('tells of the rate limit, not of the stale list of runners that comes with it', () => {
    const limited = { ...credential, blockedUntil: NOW + 1 };
    const plan = planWith({ isFresh: false });
    expect(pending({ credential: limited, plan })).toMatchObject({
      code: 'rate-limited',
      retryAt: NOW + 1,
    });
  });

  it('tells how many are ahead, what is free, who holds it and when it goes on', () => {
    const plan = planWith({ free: 2 }, { heldBy: ['job', 'other'] });
    expect(pending({ plan })).toMatchObject({
      since: CLAIMED_AT,
      ahead: 4,
      free: 2,
      fitting: 3,
      heldBy: ['other'],
      retryAt: null,
      message:
        'Other jobs are about to take the free runners that fit (2): wait, or raise the priority.',
    });
    expect(pending({ block: { ...BLOCK, kind: 'no-access' } })).toMatchObject({
      since: CLAIMED_AT + 5,
      retryAt: NOW + 9,
      message: 'The credential cannot use acme/app: give it access to the repository (Not Found).',
    });
  });
});

describe('a triggered job', () => {
  const triggered = { ...PENDING.job, state: 'triggered' as const, triggeredAt: CLAIMED_AT };
  const why = (over: Partial<WaitInput>) => pending({ job: triggered, ...over });

  it.each([
    [undefined],
    [attempt('a', { state: 'claimed' })],
    [attempt('a', { state: 'unknown', errorMessage: 'socket hang up' })],
    [attempt('a', { state: 'accepted' })],
  ])('is being placed until its run is known', (one) => {
    expect(why({ attempt: one })?.code).toBe('placing');
  });

  it.each(['waiting', 'pending', 'requested'])(
    'waits on the forge while its run is %s',
    (status) => {
      expect(why({ attempt: attemptWithRun(status) })?.code).toBe('run-waiting');
    },
  );

  it('is displaced when its run stays queued with no runner free', () => {
    const queued = { attempt: attemptWithRun('queued') };
    expect(why({ ...queued, now: CLAIMED_AT + 5_000 })?.code).toBe('placing');
    expect(why(queued)).toMatchObject({ code: 'displaced', since: CLAIMED_AT + 1_000, ahead: 0 });
    expect(why({ ...queued, plan: planWith({ free: 1 }) })?.code).toBe('placing');
  });

  it('is not picked up when runners that fit idle past the pickup timeout: the run’s own labels tell why', () => {
    const queued = {
      attempt: attemptWithRun('queued'),
      workflowJobs: [workflowJob('1', { labels: ['linux', 'arm'] })],
      plan: planWith({ free: 1 }),
    };
    expect(why({ ...queued, now: CLAIMED_AT + 14 * MINUTE })?.code).toBe('placing');
    expect(why({ ...queued, now: CLAIMED_AT + 17 * MINUTE })).toMatchObject({
      code: 'not-picked-up',
      labelsMissing: ['arm'],
    });
  });

  it('waits no more once its run is in progress', () => {
    expect(why({ attempt: attemptWithRun('in_progress') })).toBeUndefined();
  });
});

describe('any job', () => {
  it('has no reason to wait once it runs or has ended', () => {
    for (const state of ['running', 'completed', 'failed', 'cancelled'] as const) {
      expect(pending({ job: { ...paused, state } })).toBeUndefined();
    }
  });

  it('has a reason, in one sentence, as long as it is pending', () => {
    const maybe = fc.boolean();
    const count = fc.nat(3);
    const plan = fc.record({
      scopes: fc.array(
        fc.record({
          scope: fc.constantFrom('org:acme', 'repo:acme/app', 'org:other'),
          ...{ free: count, left: count, online: count, total: count, isFresh: maybe },
        }),
        { maxLength: 2 },
      ),
      limit: fc.constantFrom('runners', 'cap', 'rate-limited', 'forge-unavailable', null),
      heldBy: fc.subarray(['job', 'other']),
      labelsMissing: fc.subarray(['gpu']),
    });
    const input = fc.record({
      isPaused: maybe,
      notBefore: fc.option(fc.constantFrom(NOW - 1, NOW, NOW + 1)),
      plan: fc.option(plan, { nil: undefined }),
      group: fc.record({ isEnabled: maybe, isPaused: maybe }),
      credential: fc.record({ isConfigured: maybe, isConnected: maybe }),
      isDispatcherEnabled: maybe,
    });
    fc.assert(
      fc.property(input, (made) => {
        const { job, group, credential } = PENDING;
        const reason = pending({
          job: { ...job, isPaused: made.isPaused, notBefore: made.notBefore },
          plan: made.plan && groupPlan(made.plan),
          group: { ...group, ...made.group },
          credential: { ...credential, ...made.credential },
          isDispatcherEnabled: made.isDispatcherEnabled,
        });
        expect(reason?.code).toMatch(/^[a-z-]+$/);
        expect(reason?.message).toMatch(/^[A-Z0-9].*\.$/);
      }),
    );
  });
});
