import { describe, expect, it } from 'vitest';
import type { Event } from '../../domain/event.ts';
import { type Forge, ForgeError } from '../../forge/forge.ts';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { makeLogger } from '../../lib/logger.ts';
import { runLoop, Wake } from '../../lib/loop.ts';
import type { RunnerScopeRow, RunnerSync } from '../../store/port/runners.ts';
import type { Store } from '../../store/port/store.ts';
import { Background } from '../background.ts';
import { WebhookFlow } from '../webhooks/webhook-flow.ts';
import { PollRunners } from './poll-runners.ts';

const INTERVAL_MS = 60_000;
const group = { id: 'g', forgeId: 'github', isEnabled: true, runnerScopes: null };

function start(
  scopes: string[],
  failing: string[] = [],
  mismatchOf = (_pass: number) => '',
  owners: string[] = [],
  everyMs = { now: INTERVAL_MS },
  limited: string[] = [],
) {
  const clock = new FakeClock();
  const begunAt = clock.monotonic();
  const asked: [string, number][] = [];
  /** By a limit that another request has met. */
  const heldBack = { until: 0 };
  const listings: RunnerSync[] = [];
  const errors: string[] = [];
  let log = '';
  const row = (scope: string): RunnerScopeRow => ({
    ...{ forgeId: 'github', scope, etags: ['e'], listingSentAt: null, listedAt: null, error: '' },
  });
  const ownersAsked: string[] = [];
  const ownersAskedAt: number[] = [];
  const meetLimit = (): Promise<never> => {
    const retryAt = clock.now() + INTERVAL_MS;
    const limit = { code: 'rate-limited', acted: 'no', status: 429, retryAt } as const;
    return Promise.reject(new ForgeError('limited', limit));
  };
  const forge: Partial<Forge> = {
    id: 'github',
    findOwnerType: (owner) => {
      ownersAsked.push(owner);
      ownersAskedAt.push(clock.monotonic() - begunAt);
      if (limited.includes(owner)) return meetLimit();
      return Promise.resolve('unknown');
    },
    listRunners: (scope) => {
      asked.push([scope, clock.monotonic() - begunAt]);
      if (failing.includes(scope)) {
        return Promise.reject(new ForgeError('forbidden', { code: 'no-access', acted: 'no' }));
      }
      if (limited.includes(scope)) return meetLimit();
      if (clock.now() < heldBack.until) {
        const limit = { code: 'rate-limited', acted: 'no', retryAt: heldBack.until } as const;
        return Promise.reject(new ForgeError('not sent', limit));
      }
      const [sentAt, forgeSentAt] = [clock.now(), clock.now() + 500];
      const mismatch = mismatchOf(asked.length);
      return Promise.resolve({
        ...{ sentAt, forgeSentAt, isChanged: false, isComplete: mismatch === '', mismatch },
        ...{ runners: [], etags: ['e'] },
      });
    },
  };
  const store = {
    catalog: { listGroups: () => Promise.resolve([group]) },
    runners: {
      listUsedRepos: () =>
        Promise.resolve(owners.map((owner) => ({ groupId: 'g', owner, repo: 'app' }))),
      setScopes: () => Promise.resolve(),
      listScopes: () => Promise.resolve(scopes.map(row)),
      recordListing: (_fence: unknown, listing: RunnerSync) => {
        listings.push(listing);
        return Promise.resolve(undefined);
      },
      recordScopeError: (_fence: unknown, _forge: string, scope: string) => {
        errors.push(scope);
        return Promise.resolve();
      },
    },
  } as unknown as Store;
  const logger = makeLogger('warn', { write: (line) => void (log += line) });
  const flow = new WebhookFlow({
    ...{ forgeId: 'github', store, clock, isOpen: false, webhookGraceMs: 10_000 },
    ...{ pollIntervalMs: INTERVAL_MS, pollIntervalWithWebhooksMs: INTERVAL_MS },
    ...{ trackingIntervalMs: INTERVAL_MS, trackingIntervalWithWebhooksMs: INTERVAL_MS },
  });
  const { spec } = new PollRunners({
    ...{ forge: forge as Forge, store, clock, logger },
    pollIntervalMs: INTERVAL_MS,
    flow: Object.assign(flow, { pollIntervalMs: () => Promise.resolve(everyMs.now) }),
  });
  const wake = new Wake();
  const stop = new AbortController();
  const background = new Background((error) => {
    throw error;
  });
  const context = {
    ...{ wake, signal: stop.signal, mayGoOn: () => true },
    background,
    fence: { name: 'l', holder: 'me', epoch: 1 },
  };
  const done = runLoop(() => spec.tick(context), {
    ...{ clock, wake, signal: stop.signal, everyMs: spec.everyMs },
    onError: (error) => {
      throw error;
    },
  });
  const tell = (kind: Event['kind'], data: Event['data'] = {}) => {
    const isWoken = spec.onEvent({ kind, data } as Event) === 'wake';
    if (isWoken) wake.notify();
    return isWoken;
  };
  const end = async () => {
    stop.abort();
    await spec.drain?.();
    await done;
    await background.drain();
    expect(clock.pendingTimers).toBe(0);
  };
  return {
    clock,
    heldBack,
    asked,
    ownersAsked,
    ownersAskedAt,
    listings,
    errors,
    told: () => log,
    tell,
    end,
  };
}

it('asks for every scope at each interval, and orders passes by the forge’s clock', async () => {
  const poll = start(['org:a', 'repo:b/c']);
  await poll.clock.advance(INTERVAL_MS);
  expect(poll.asked.map(([scope]) => scope)).toEqual(['org:a', 'repo:b/c', 'org:a', 'repo:b/c']);
  expect(poll.listings[0]).toMatchObject({
    runners: null,
    etags: ['e'],
    unseenMs: 3 * INTERVAL_MS,
  });
  expect(poll.listings[0]?.sentAt).toBe(poll.clock.now() - INTERVAL_MS + 500);
  await poll.end();
});

it('looks again half an interval after the last pass when a run has ended, not sooner', async () => {
  const poll = start(['org:a']);
  await poll.clock.advance(5_000);
  poll.tell('attempt.ended');
  await poll.clock.advance(24_999);
  expect(poll.asked).toHaveLength(1);
  await poll.clock.advance(1);
  expect(poll.asked).toHaveLength(2);
  await poll.end();
});

it('is not woken by runs that end while webhooks tell which runners they free, and is once they do not', async () => {
  const everyMs = { now: 10 * INTERVAL_MS };
  const poll = start(['org:a'], [], undefined, [], everyMs);
  await poll.clock.advance(1_000);
  expect(poll.tell('attempt.ended')).toBe(false);
  everyMs.now = INTERVAL_MS;
  await poll.clock.advance(INTERVAL_MS - 1_000);
  expect(poll.asked).toHaveLength(2);
  expect(poll.tell('attempt.ended')).toBe(true);
  await poll.end();
});

it.each(['fails', 'meets a limit'])(
  'asks again after the usual interval when a listing %s while webhooks come, which do not tell what runners there are',
  async (what) => {
    const failing = what === 'fails' ? ['org:a'] : [];
    const limited = what === 'fails' ? [] : ['org:a'];
    const poll = start(['org:a'], failing, undefined, [], { now: 30 * INTERVAL_MS }, limited);
    await poll.clock.advance(0);
    failing.length = 0;
    limited.length = 0;
    // A limit stops the credential for an interval; a refusal and a limit both make the scope wait for one.
    await poll.clock.advance((what === 'fails' ? 1 : 2) * INTERVAL_MS);
    expect([poll.errors.length, poll.listings.length]).toEqual([1, 1]);
    await poll.clock.advance(25 * INTERVAL_MS);
    expect(poll.listings).toHaveLength(1);
    await poll.end();
  },
);

it('asks when a limit is over that kept a listing from being sent, and not half a minute later (runners were stale till then)', async () => {
  const poll = start(['org:a', 'org:b']);
  await poll.clock.advance(0);
  poll.heldBack.until = poll.clock.now() + 10 * INTERVAL_MS + 5_000;
  await poll.clock.advance(10 * INTERVAL_MS + 4_999);
  expect(poll.listings).toHaveLength(2);
  expect(poll.asked).toHaveLength(2 * (1 + 10));
  await poll.clock.advance(1);
  expect(poll.listings).toHaveLength(4);
  await poll.end();
});

it('keeps to its interval however often it is woken for nothing', async () => {
  const poll = start(['org:a']);
  for (let i = 0; i < 20; i += 1) {
    await poll.clock.advance(1_000);
    poll.tell('group.synced');
  }
  expect(poll.asked).toHaveLength(1);
  await poll.end();
});

it('goes on with the other scopes when one fails, and remembers why (invariant 8)', async () => {
  const poll = start(['org:a', 'org:b'], ['org:a']);
  await poll.clock.advance(0);
  expect(poll.errors).toEqual(['org:a']);
  expect(poll.listings.map(({ scope }) => scope)).toEqual(['org:b']);
  await poll.end();
});

it('tells of a list that never adds up once, with the reason, and again only after it has added up', async () => {
  const isWrong = (listing: number): boolean => listing !== 6;
  const poll = start(['org:a'], [], (listing) =>
    isWrong(listing) ? `the forge counts 734 and shows ${String(730 + (listing % 4))}` : '',
  );
  const tellings = () => poll.told().match(/never adds up/g)?.length ?? 0;
  await poll.clock.advance(INTERVAL_MS);
  expect([poll.asked.length, tellings()]).toEqual([2, 0]);
  await poll.clock.advance(3 * INTERVAL_MS);
  expect([poll.asked.length, tellings()]).toEqual([5, 1]);
  expect(poll.told()).toContain('the forge counts 734 and shows 733');
  await poll.clock.advance(4 * INTERVAL_MS);
  expect([poll.asked.length, tellings()]).toEqual([9, 2]);
  await poll.end();
});

it('asks about an account that does not exist ever more rarely, however many jobs end meanwhile', async () => {
  const owners = ['nobody'];
  const poll = start([], [], undefined, owners);
  const { clock, ownersAsked } = poll;
  const endJobsFor = async (ms: number) => {
    for (const end = clock.monotonic() + ms; clock.monotonic() < end; ) {
      poll.tell('attempt.ended');
      await clock.advance(10_000);
    }
  };
  await endJobsFor(INTERVAL_MS);
  expect(ownersAsked).toHaveLength(1);
  await endJobsFor(59 * INTERVAL_MS);
  // After 1, 3, 7, 15 and 31 minutes.
  expect(ownersAsked).toHaveLength(6);
  await endJobsFor(4 * 60 * INTERVAL_MS);
  expect(ownersAsked.length).toBeLessThanOrEqual(11);
  owners.push('new');
  poll.tell('job.enqueued', { isManual: true });
  await clock.advance(0);
  expect(ownersAsked.filter((owner) => owner === 'new')).toHaveLength(1);
  await poll.end();
});

it('asks ever more rarely about an account whose reading meets a limit each time: each time the credential is stopped', async () => {
  const poll = start([], [], undefined, ['acme'], { now: INTERVAL_MS }, ['acme']);
  await poll.clock.advance(50 * INTERVAL_MS);
  const minutes = poll.ownersAskedAt.map((at) => Math.floor(at / INTERVAL_MS));
  // After the stop 2, 4, 8 and then 15 minutes.
  expect(minutes).toEqual([0, 3, 8, 17, 33, 49]);
  poll.tell('credential.changed', { isConnected: true });
  await poll.clock.advance(0);
  expect(poll.ownersAskedAt).toHaveLength(7);
  await poll.end();
});

it('lists what the forge refuses ever more rarely, and the rest at its pace', async () => {
  const failing = ['org:gone'];
  const poll = start(['org:a', 'org:gone'], failing);
  const timesOf = (scope: string) =>
    poll.asked.flatMap(([each, at]) => (each === scope ? [Math.floor(at / INTERVAL_MS)] : []));
  poll.tell('attempt.ended');
  await poll.clock.advance(60.5 * INTERVAL_MS);
  expect(timesOf('org:gone')).toEqual([0, 1, 3, 7, 15, 30, 45, 60]);
  // Once half an interval sooner, and never again because of a scope that is not listed now.
  expect(timesOf('org:a').length).toBeLessThanOrEqual(62);
  failing.length = 0;
  await poll.clock.advance(16 * INTERVAL_MS);
  expect(timesOf('org:gone').slice(-2)).toEqual([75, 76]);
  await poll.end();
});

describe('a limit that listings meet each time', () => {
  const timesOf = async (limited: string[], intervals: number) => {
    const poll = start(['org:a', 'org:b'], [], undefined, [], { now: INTERVAL_MS }, limited);
    await poll.clock.advance(intervals * INTERVAL_MS);
    await poll.end();
    return ['org:a', 'org:b'].map((scope) =>
      poll.asked.flatMap(([each, at]) => (each === scope ? [Math.floor(at / INTERVAL_MS)] : [])),
    );
  };

  it('is met ever more rarely by the one scope whose own it is: each time it stops all else', async () => {
    const [limited, good] = await timesOf(['org:a'], 52);
    // After the stop 1, 2, 4, 8 and then 15 minutes.
    expect(limited).toEqual([0, 2, 5, 10, 19, 35, 51]);
    expect(good).toHaveLength(53);
  });

  it('leaves an interval to others, and not more, where it is not one scope’s own: all runners would be stale', async () => {
    expect(await timesOf(['org:a', 'org:b'], 6)).toEqual([
      [0, 2, 4, 6],
      [0, 2, 4, 6],
    ]);
  });
});

it('asks at once for what was refused when the credential works again', async () => {
  const poll = start(['org:gone'], ['org:gone'], undefined, ['nobody']);
  await poll.clock.advance(8 * INTERVAL_MS);
  const before = [poll.asked.length, poll.ownersAsked.length];
  poll.tell('credential.changed', { isConnected: false });
  await poll.clock.advance(INTERVAL_MS - 1);
  expect([poll.asked.length, poll.ownersAsked.length]).toEqual(before);
  poll.tell('credential.changed', { isConnected: true });
  await poll.clock.advance(0);
  expect([poll.asked.length, poll.ownersAsked.length]).toEqual(before.map((count) => count + 1));
  await poll.end();
});
