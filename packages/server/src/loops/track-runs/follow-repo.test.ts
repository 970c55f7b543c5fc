import { describe, expect, it } from 'vitest';
import { attempt, run } from '../../domain/attempt.testkit.ts';
import type { Attempt } from '../../domain/attempt.ts';
import { type Forge, ForgeError } from '../../forge/forge.ts';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { makeLogger } from '../../lib/logger.ts';
import { Wake } from '../../lib/loop.ts';
import type { RunStore } from '../../store/port/runs.ts';
import type { Store } from '../../store/port/store.ts';
import { Background } from '../background.ts';
import { GrowingPauses } from '../forge-limits/growing-pauses.ts';
import { LimitPauses } from '../forge-limits/limit-pauses.ts';
import { LogThrottle } from '../log-throttle.ts';
import { WebhookFlow } from '../webhooks/webhook-flow.ts';
import { followRepo } from './follow-repo.ts';
import { GoneFor } from './gone-for.ts';
import { KnownSince } from './known-since.ts';
import { ListingOutages } from './listing-outages.ts';
import type { RepoPoll } from './repo-runs.ts';
import { DeletedRuns } from './standing-listing.ts';

const INTERVAL_MS = 1_000;
const LONGEST_MS = 4 * INTERVAL_MS;

/** Runs that began long ago, so that each is asked for by its id. */
const old = (id: string, repo: string) =>
  attempt(id, {
    ...{ state: 'accepted', runId: id, matchedBy: 'reply', repo },
    // Its runner is known: only the run itself is asked for.
    ...{ runnerId: '1', holdEndedAt: 1 },
  });

const pollAt = (repo: string, over: Partial<RepoPoll> = {}): RepoPoll => {
  const single = ['1', '2', '3'].map((id) => old(id, repo));
  return { owner: 'acme', repo, attempts: single, listed: [], createdSince: 0, single, ...over };
};

function start() {
  const clock = new FakeClock();
  /** Repositories that the token cannot see, and those of which single runs were deleted. */
  const forge = {
    closed: new Set<string>(),
    deleted: new Set<string>(),
    refused: new Set<string>(),
    limited: new Set<string>(),
    /** Their listing fails, whatever else does. */
    unlistable: new Set<string>(),
    isDown: false,
    /** Requests that are answered with a limit, and those that a limit of ours holds back. */
    limits: new Set<string>(),
    ownLimits: new Set<string>(),
    rerun: new Set<string>(),
  };
  /** Attempts whose run is looked for. */
  const searched: Attempt[] = [];
  const requests: string[] = [];
  const told: string[] = [];
  const hidden = () => Promise.reject(new ForgeError('404', { code: 'not-found', acted: 'no' }));
  const badGateway = () =>
    Promise.reject(new ForgeError('502: Server Error', { code: 'unavailable', acted: 'no' }));
  const ask = async <T>(name: string, answer: T): Promise<T> => {
    requests.push(name);
    await Promise.resolve();
    const limit = { code: 'rate-limited', acted: 'no' } as const;
    if (forge.limits.has(name)) throw new ForgeError('429', { ...limit, status: 429 });
    if (forge.ownLimits.has(name)) throw new ForgeError('not sent', limit);
    return answer;
  };
  const seen = (id: string) => ({
    run: run(id, { status: 'in_progress', attempt: forge.rerun.has(id) ? 2 : 1 }),
    ...{ sentAt: 0, forgeSentAt: 0 },
  });
  const port: Partial<Forge> = {
    id: 'github',
    credentialFor: () =>
      ({ budgetId: 'token/1', actor: 'bot' }) as ReturnType<Forge['credentialFor']>,
    getRun: async (_owner, repo, id) => {
      await ask(`run ${id}`, null);
      if (forge.closed.has(repo) || forge.deleted.has(repo)) return hidden();
      if (forge.refused.has(repo)) {
        return Promise.reject(new ForgeError('403', { code: 'no-access', acted: 'no' }));
      }
      return seen(id);
    },
    getFirstAttempt: (_owner, _repo, id) => ask(`first attempt ${id}`, seen(id)),
    listRunJobs: (_owner, _repo, id) => ask(`jobs ${id}`, { jobs: [], sentAt: 0, forgeSentAt: 0 }),
    canReadRepo: async (_owner, repo) => {
      const canRead = await ask('repository', !forge.closed.has(repo));
      return forge.isDown ? badGateway() : canRead;
    },
    listRuns: (_owner, repo, { isPlain = false }) => {
      requests.push(isPlain ? 'plain listing' : 'listing');
      if (forge.closed.has(repo)) return hidden();
      if (forge.unlistable.has(repo)) return badGateway();
      if (forge.limited.has(isPlain ? `${repo}, plainly` : repo)) {
        const limit = { code: 'rate-limited', acted: 'no', status: 429 } as const;
        return Promise.reject(new ForgeError('429', limit));
      }
      return Promise.resolve({ sentAt: 0, forgeSentAt: 0, isComplete: true, runs: [] });
    },
  };
  const tell = (what: string) => (id: string) => {
    told.push(`${id} ${what}`);
    return Promise.resolve(true);
  };
  const runs: Partial<RunStore> = {
    recordRun: tell('seen'),
    recordWorkflowJobs: (id) => tell('jobs')(id).then(() => undefined),
    recordRunUnreadable: tell('unreadable'),
    recordRunGone: (id) => tell('gone')(id).then(() => 'noted' as const),
    listLive: () => Promise.resolve([...searched]),
    listWatched: () => Promise.resolve([]),
    listGuessed: () => Promise.resolve([]),
    listAcceptedByTime: () => Promise.resolve([]),
    listNamedRuns: () => Promise.resolve([]),
    listOwnedRunIds: () => Promise.resolve(new Set()),
    listNamedCommits: () => Promise.resolve(new Set()),
    recordMissing: (id) => tell('missing')(id).then(() => undefined),
  };
  const store = { runs } as Store;
  const deps = {
    ...{ forge: port as Forge, store, clock, logger: makeLogger('silent') },
    flow: new WebhookFlow({
      ...{ forgeId: 'github', store, clock, isOpen: false, webhookGraceMs: 10_000 },
      ...{ pollIntervalMs: INTERVAL_MS, pollIntervalWithWebhooksMs: INTERVAL_MS },
      ...{ trackingIntervalMs: INTERVAL_MS, trackingIntervalWithWebhooksMs: INTERVAL_MS },
    }),
    stamps: {
      offset: () =>
        Promise.resolve({
          ...{ offsetMs: 0, uncertaintyMs: 0 },
          ...{ areStampsAhead: false, areStampsKnown: true },
        }),
    },
    ...{ requestTimeoutMs: 30_000, runLookupTimeoutMs: 300_000, recheckAfterMs: 60_000 },
    ...{ runVisibleMs: 60_000, lateRunMs: 86_400_000, unreadableRunMs: 3_600_000 },
    ...{ pickupExpectedMs: 10_000, queuedRecheckMs: 60_000 },
    ...{ checkedAt: new Map<string, number>(), plainlyFrom: new Map<string, number>() },
    ...{ logThrottle: new LogThrottle(), awaitingNextJob: new Set<string>() },
    outages: new ListingOutages(clock, 60_000),
    deletedRuns: new DeletedRuns(),
    goneFor: new GoneFor(clock),
    knownSince: new KnownSince(clock),
    limits: new LimitPauses(clock, INTERVAL_MS),
    limitedRepos: new GrowingPauses({ clock, firstMs: INTERVAL_MS, longestMs: LONGEST_MS }),
    closedRepos: new GrowingPauses({ clock, firstMs: INTERVAL_MS, longestMs: LONGEST_MS }),
  };
  const context = {
    ...{ fence: { name: 'l', holder: 'me', epoch: 1 }, wake: new Wake() },
    ...{ mayGoOn: () => true, signal: new AbortController().signal },
    background: new Background(() => undefined),
  };
  const follow = async (poll: RepoPoll): Promise<string[]> => {
    requests.length = 0;
    await followRepo(deps, poll, context);
    return [...requests];
  };
  /** @returns how many requests each of so many looks cost, an interval apart */
  const costs = async (count: number, poll = pollAt('app')): Promise<number[]> => {
    const seen: number[] = [];
    for (let n = 0; n < count; n += 1) {
      seen.push((await follow(poll)).length);
      await clock.advance(INTERVAL_MS);
    }
    return seen;
  };
  return { forge, costs, follow, searched, told, now: clock.now() };
}

describe('runs of a repository that the token cannot see', () => {
  it('are asked for ever more rarely: each costs two requests', async () => {
    const { forge, costs, told } = start();
    forge.closed.add('app');
    expect(await costs(12)).toEqual([6, 6, 0, 6, 0, 0, 0, 6, 0, 0, 0, 6]);
    expect(new Set(told)).toEqual(new Set(['1 unreadable', '2 unreadable', '3 unreadable']));
  });

  it('are asked for ever more rarely where the forge says that access is lost, too', async () => {
    const { forge, costs, told } = start();
    forge.refused.add('app');
    expect(await costs(8)).toEqual([3, 3, 0, 3, 0, 0, 0, 3]);
    expect(new Set(told)).toEqual(new Set(['1 unreadable', '2 unreadable', '3 unreadable']));
  });

  it('keep no other repository from being followed', async () => {
    const { forge, costs } = start();
    forge.closed.add('app');
    await costs(2);
    expect(await costs(2, pollAt('lib'))).toEqual([3, 3]);
  });

  it('are of one repository, however its name is written', async () => {
    const { forge, costs } = start();
    for (const name of ['app', 'App']) forge.closed.add(name);
    await costs(2, pollAt('App'));
    expect(await costs(1)).toEqual([0]);
  });

  it('are followed at each look again once one could be read, and a later loss is looked into anew', async () => {
    const { forge, costs } = start();
    forge.closed.add('app');
    expect(await costs(3)).toEqual([6, 6, 0]);
    forge.closed.delete('app');
    expect(await costs(3)).toEqual([3, 3, 3]);
    forge.closed.add('app');
    expect(await costs(3)).toEqual([6, 6, 0]);
  });

  it('are followed at once when the repository’s listing shows that it is open again', async () => {
    const { forge, follow, costs } = start();
    forge.closed.add('app');
    expect(await costs(2)).toEqual([6, 6]);
    forge.closed.delete('app');
    const listed = [attempt('4', { state: 'accepted', runId: '4', endedAt: 1 })];
    const seen = await follow(pollAt('app', { listed }));
    expect(seen).toEqual(['listing', 'run 1', 'run 2', 'run 3']);
  });
});

it('runs that were deleted, of a repository that can be read, do not pause the others', async () => {
  const { forge, costs, told } = start();
  forge.deleted.add('app');
  expect(await costs(3)).toEqual([6, 6, 6]);
  expect(new Set(told)).toEqual(new Set(['1 gone', '2 gone', '3 gone']));
});

it('a repository whose listing meets a limit each time is listed ever more rarely: each time the credential is stopped', async () => {
  const { forge, costs } = start();
  const listed = [attempt('4', { state: 'accepted', runId: '4', endedAt: 1 })];
  const poll = pollAt('app', { listed, single: [] });
  forge.limited.add('app');
  expect(await costs(8, poll)).toEqual([1, 1, 0, 1, 0, 0, 0, 1]);
  forge.limited.clear();
  expect(await costs(6, poll)).toEqual([0, 0, 0, 1, 1, 1]);
});

it('a repository whose plain listing alone meets a limit each time is listed ever more rarely, too', async () => {
  const { forge, costs, searched } = start();
  const lost = attempt('lost', {
    state: 'unknown',
    claimedAt: -7_200_000,
    missingSince: -3_600_000,
  });
  searched.push(lost);
  forge.limited.add('app, plainly');
  const poll = pollAt('app', { listed: [lost], single: [], createdSince: -9_000_000 });
  // The listing, the plain one, and whether the repository can be read.
  expect(await costs(8, poll)).toEqual([3, 3, 1, 3, 1, 1, 1, 3]);
});

describe('a repository whose listing always fails (GitHub’s answered 502 for one for weeks)', () => {
  const known = (id: string, over: Partial<Attempt> = {}): Attempt => ({
    ...old(id, 'app'),
    ...{ claimedAt: -60_001, ...over },
  });

  it('has its runs read by their ids, eight at a look, those seen longest ago first', async () => {
    const { forge, follow } = start();
    forge.unlistable.add('app');
    const listed = Array.from({ length: 10 }, (_, n) => known(`${n}`, { runObservedAt: 10 - n }));
    const seen = await follow(pollAt('app', { listed, single: [] }));
    const read = ['9', '8', '7', '6', '5', '4', '3', '2'].map((id) => `run ${id}`);
    expect(seen).toEqual(['listing', 'repository', ...read]);
  });

  it('has old runs read, too, that were to be read one by one after the listing', async () => {
    const { forge, follow } = start();
    forge.unlistable.add('app');
    const seen = await follow(pollAt('app', { listed: [known('4')] }));
    expect(seen).toEqual(['listing', 'repository', 'run 4', 'run 1', 'run 2', 'run 3']);
  });

  it('is not asked for runs that may not be readable yet, nor for those that have ended', async () => {
    const { forge, follow, now } = start();
    forge.unlistable.add('app');
    const listed = [known('1', { claimedAt: now }), known('2', { endedAt: 1 }), known('3')];
    const seen = await follow(pollAt('app', { listed, single: [] }));
    expect(seen).toEqual(['listing', 'repository', 'run 3']);
  });

  it('does not keep a job whose run is not known for ever', async () => {
    const { forge, follow, told } = start();
    forge.unlistable.add('app');
    const listed = [attempt('lost', { state: 'unknown' })];
    await follow(pollAt('app', { listed, single: [] }));
    expect(told).toEqual(['lost unreadable']);
  });

  it('waits in an outage of the forge, which costs it one request more', async () => {
    const { forge, follow, told } = start();
    forge.unlistable.add('app');
    forge.isDown = true;
    const listed = [known('1'), attempt('lost', { state: 'unknown' })];
    const seen = await follow(pollAt('app', { listed, single: [] }));
    expect([seen, told]).toEqual([['listing', 'repository'], []]);
  });

  it('is followed by ids while its listing pauses after a limit', async () => {
    const { forge, follow, costs } = start();
    forge.limited.add('app');
    const poll = pollAt('app', { listed: [known('1')], single: [] });
    await costs(2, poll);
    expect(await follow(poll)).toEqual(['repository', 'run 1']);
  });

  it('does not keep a job whose run is not known for ever where a limit is what it meets each time', async () => {
    const { forge, follow, told } = start();
    forge.limited.add('app');
    const listed = [attempt('lost', { state: 'unknown' })];
    const poll = pollAt('app', { listed, single: [] });
    // Nothing may be asked for right after the limit.
    forge.ownLimits.add('repository');
    expect([await follow(poll), told]).toEqual([['listing', 'repository'], []]);
    forge.ownLimits.clear();
    expect([await follow(poll), told]).toEqual([['repository'], ['lost unreadable']]);
  });
});

describe('what meets a limit each time, whereupon the credential is stopped, is asked for ever more rarely:', () => {
  const single = (...attempts: RepoPoll['single'][number][]) => pollAt('app', { single: attempts });

  it('a run, while the others of its repository are read at each look', async () => {
    const { forge, costs } = start();
    forge.limits.add('run 1');
    expect(await costs(13)).toEqual([3, 2, 2, 2, 3, 2, 2, 2, 2, 2, 2, 2, 3]);
    forge.limits.clear();
    await costs(15);
    expect(await costs(3)).toEqual([3, 3, 3]);
  });

  it('all runs of a repository, one that is new among them', async () => {
    const { forge, costs, follow } = start();
    for (const id of ['1', '2', '3']) forge.limits.add(`run ${id}`);
    expect(await costs(1)).toEqual([3]);
    expect(await follow(single(old('4', 'app')))).toEqual([]);
    expect(await follow(single(old('5', 'lib')))).toEqual(['run 5']);
    expect(await costs(12)).toEqual([0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 3]);
  });

  it('the workflow jobs of a run, which itself is followed at each look', async () => {
    const { forge, costs, told } = start();
    forge.limits.add('jobs 1');
    const poll = single({ ...old('1', 'app'), runnerId: null });
    expect(await costs(6, poll)).toEqual([2, 1, 1, 1, 2, 1]);
    expect(told).toEqual(Array.from({ length: 6 }, () => '1 seen'));
  });

  it('the first attempt of a run that was re-run', async () => {
    const { forge, costs } = start();
    forge.rerun.add('1');
    forge.limits.add('first attempt 1');
    expect(await costs(6, single(old('1', 'app')))).toEqual([2, 1, 1, 1, 2, 1]);
  });

  it('a repository with a run that was deleted, of which nothing is concluded meanwhile', async () => {
    const { forge, costs, told } = start();
    forge.deleted.add('app');
    forge.limits.add('repository');
    expect(await costs(6, single(old('1', 'app')))).toEqual([2, 1, 1, 1, 2, 1]);
    expect(told).toEqual([]);
  });

  it('a repository whose runs cannot be listed', async () => {
    const { forge, follow } = start();
    forge.limited.add('app');
    forge.limits.add('repository');
    const listed = [attempt('4', { state: 'accepted', runId: '4', claimedAt: -1_000_000 })];
    const poll = pollAt('app', { listed, single: [] });
    expect(await follow(poll)).toEqual(['listing', 'repository']);
    expect(await follow(poll)).toEqual([]);
  });
});

it('a limit of ours, which no request has met, makes none of them wait', async () => {
  const { forge, costs } = start();
  for (const id of ['1', '2', '3']) forge.ownLimits.add(`run ${id}`);
  expect(await costs(3)).toEqual([3, 3, 3]);
});
