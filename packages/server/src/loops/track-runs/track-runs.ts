import { type Attempt, isWatched } from '../../domain/attempt.ts';
import { LONGEST_BACKOFF_MS } from '../../domain/job.ts';
import { repoKeyOf } from '../../domain/run-keys.ts';
import { GrowingPauses } from '../forge-limits/growing-pauses.ts';
import { LimitPauses } from '../forge-limits/limit-pauses.ts';
import type { LoopContext, LoopSpec } from '../leased-loop.ts';
import { LogThrottle } from '../log-throttle.ts';
import { DoubtPace } from './doubt-pace.ts';
import { followRepo, nameOf, type RepoDeps } from './follow-repo.ts';
import { type FollowDeps, forgetEnded } from './follow-run.ts';
import { GoneFor } from './gone-for.ts';
import { KnownSince } from './known-since.ts';
import { ListingOutages } from './listing-outages.ts';
import { type OwedPoll, OwedPolls } from './owed-polls.ts';
import { pollsByRepo, type RepoPoll } from './repo-runs.ts';
import { needsListing } from './resolve-attempts.ts';
import { StaleRuns } from './stale-runs.ts';
import { DeletedRuns } from './standing-listing.ts';
import { TrackPace, type TrackTick } from './track-pace.ts';
import { WatchPace } from './watch-pace.ts';

type KeptInMemory =
  | 'plainlyFrom'
  | 'closedRepos'
  | 'outages'
  | 'deletedRuns'
  | 'goneFor'
  | 'knownSince'
  | 'limitedRepos'
  | 'limits';

export interface TrackRunsDeps
  extends Omit<RepoDeps, 'checkedAt' | 'awaitingNextJob' | 'logThrottle' | KeptInMemory> {
  readonly trackingIntervalMs: number;
  /** Of all that is configured to put a job, a workflow or an attempt off. */
  readonly longestPauseMs: number;
}

/** In tracking intervals: by default longer than a limit stops the credential that does not say for how long. */
const LIMITED_INTERVALS = 4;

/** The longest pause of a repository that cannot be read, as a part of the time after which its attempts end. */
const CLOSED_OF_UNREADABLE = 1 / 6;

interface TrackDeps
  extends TrackRunsDeps,
    Pick<RepoDeps, 'checkedAt' | 'logThrottle' | KeptInMemory> {
  readonly pace: TrackPace;
  readonly stale: StaleRuns;
  readonly doubts: DoubtPace;
  readonly owed: OwedPolls;
  readonly watchPace: WatchPace;
}

/** Follows the runs of live attempts, moves their jobs on, and finds the runs of attempts whose outcome is unknown. */
export function trackRuns(given: TrackRunsDeps): LoopSpec {
  const deps = makeDeps(given);
  const { clock, flow, pace, doubts } = deps;
  let isWoken = false;
  let cancelPoll = (): void => undefined;
  return {
    name: `track-runs:${deps.forge.id}`,
    everyMs: flow.checkEveryMs(deps.trackingIntervalMs),
    onEvent: (event) => {
      const reaction = pace.onEvent(event);
      isWoken ||= reaction === 'wake';
      return reaction;
    },
    tick: async (context) => {
      cancelPoll();
      const isSoon = isWoken;
      isWoken = false;
      await tick(deps, context, isSoon);
      const waitMs = doubts.waitMs();
      if (waitMs === null) return;
      cancelPoll = clock.after(waitMs, () => {
        isWoken = true;
        context.wake.notify();
      });
    },
    drain: () => {
      cancelPoll();
      return Promise.resolve();
    },
  };
}

function makeDeps(given: TrackRunsDeps): TrackDeps {
  const { flow, clock, trackingIntervalMs, recheckAfterMs } = given;
  const { webhookGraceMs } = flow;
  return {
    ...given,
    checkedAt: new Map(),
    logThrottle: new LogThrottle(),
    pace: new TrackPace({ flow, clock, trackingIntervalMs, recheckAfterMs }),
    stale: new StaleRuns({ clock, webhookGraceMs, trackingIntervalMs }),
    doubts: new DoubtPace(clock, trackingIntervalMs),
    plainlyFrom: new Map(),
    outages: new ListingOutages(clock, recheckAfterMs),
    deletedRuns: new DeletedRuns(),
    goneFor: new GoneFor(clock),
    knownSince: new KnownSince(clock),
    limits: new LimitPauses(clock, trackingIntervalMs),
    limitedRepos: new GrowingPauses({
      ...{ clock, firstMs: LIMITED_INTERVALS * trackingIntervalMs },
      longestMs: Math.max(LONGEST_BACKOFF_MS, LIMITED_INTERVALS * trackingIntervalMs),
    }),
    closedRepos: new GrowingPauses({
      ...{ clock, firstMs: trackingIntervalMs },
      longestMs: Math.max(CLOSED_OF_UNREADABLE * given.unreadableRunMs, trackingIntervalMs),
    }),
    owed: new OwedPolls(),
    watchPace: new WatchPace(clock, recheckAfterMs),
  };
}

/** @param isSoon something woke it: what it has to leave out now is not left to the next interval */
async function tick(deps: TrackDeps, context: LoopContext, isSoon: boolean): Promise<void> {
  const { forge, store, clock, stale } = deps;
  const now = clock.now();
  const poll = await nextTick(deps, context);
  const { isAll, isRunDelivered, restarted, isWatchedDue, owed } = poll;
  // Here too: a server that does not dispatch still has to settle what one that died had claimed.
  await store.dispatch.expireClaims(context.fence, deps.requestTimeoutMs);
  await endFarPauses(deps, context);
  const [live, awaitingNextJob, { watched, all }] = await Promise.all([
    store.runs.listLive(forge.id),
    store.runs.listToCheck(forge.id),
    listWatched(deps, poll),
  ]);
  forgetEnded(deps, live);
  deps.knownSince.note(live.map(({ id }) => id));
  deps.outages.keepOnly(live.map(({ id }) => id));
  deps.goneFor.keepOnly(live.map(({ id }) => id));
  const isSought = [...live, ...watched].some(needsListing);
  const offset = isSought ? await deps.stamps.offset() : forge.dateOffset();
  const forgeNow = now + offset.offsetMs;
  const late = stale.choose(live, awaitingNextJob, forgeNow, isRunDelivered);
  if (isAll) stale.notePolled(live);
  const sought = deps.doubts.take(live);
  const some = new Set([...late, ...sought]);
  const isMeant = (one: Attempt): boolean =>
    isAll || some.has(one) || restarted.has(one.id) || owed.has(repoKeyOf(one));
  const urgent = new Set([...awaitingNextJob, ...restarted]);
  const polls = pollsByRepo([...live.filter(isMeant), ...watched], now, offset, urgent);
  // Only these ticks see everything that is looked at.
  if (isAll && isWatchedDue) {
    deps.closedRepos.keepOnly(live.map(repoKeyOf));
    deps.limitedRepos.keepOnly([...live, ...all].map(repoKeyOf));
    deps.logThrottle.keepOnly([
      ...polls.map(nameOf),
      ...all.map(nameOf),
      ...live.map(({ id }) => id),
    ]);
  }
  await begin({ ...deps, awaitingNextJob }, polls, context, { isSoon, restarted });
}

async function endFarPauses(
  { store, forge, logger, longestPauseMs }: TrackDeps,
  { fence }: LoopContext,
): Promise<void> {
  // After a limit of its own a workflow pauses so long beyond the stop, which lasts as long, and a job whose sending failed comes back
  // as long after its probe.
  const longestMs = longestPauseMs + 3 * LONGEST_BACKOFF_MS;
  const isEnded = await store.dispatch.endFarPauses(fence, forge.id, longestMs);
  if (!isEnded) return;
  const message =
    'the clock was put back: what waited for a time further off than any pause goes on';
  logger.warn({ forgeId: forge.id }, message);
}

/** With what earlier ticks have left out, and can be looked at now. */
async function nextTick(
  { pace, owed }: TrackDeps,
  { background }: LoopContext,
): Promise<TrackTick & { readonly owed: ReadonlyMap<string, OwedPoll> }> {
  const taken = owed.take((key) => !background.isUnderWay(key));
  const poll = await pace.next();
  const again = [...taken.values()].flatMap(({ restarted }) => [...restarted]);
  return { ...poll, restarted: new Set([...poll.restarted, ...again]), owed: taken };
}

/** @returns all that are watched, and those to be looked at now; none where it is nobody's turn */
async function listWatched(
  { store, forge, clock, lateRunMs, watchPace }: TrackDeps,
  {
    isWatchedDue,
    isWatchedDelivered,
    owed,
  }: Pick<TrackTick, 'isWatchedDue' | 'isWatchedDelivered'> & {
    owed: ReadonlyMap<string, OwedPoll>;
  },
): Promise<{ readonly watched: readonly Attempt[]; readonly all: readonly Attempt[] }> {
  const isOwed = (one: Attempt): boolean => owed.get(repoKeyOf(one))?.isWatched === true;
  const isAnyOwed = [...owed.values()].some(({ isWatched }) => isWatched);
  if (!isWatchedDue && !isAnyOwed) return { watched: [], all: [] };
  const all = await store.runs.listWatched(forge.id, clock.now() - lateRunMs);
  const watched = watchPace.take(all, (one) => isWatchedDelivered || isOwed(one));
  return { watched, all };
}

/** A repository that is slow to answer keeps no other waiting: its look goes on while the next ticks look at the others. */
async function begin(
  deps: TrackDeps & FollowDeps,
  polls: readonly RepoPoll[],
  context: LoopContext,
  owed: Omit<OwedPoll, 'isWatched'>,
): Promise<void> {
  const { background, wake } = context;
  const begun: string[] = [];
  for (const poll of polls) {
    const key = repoKeyOf(poll);
    const follow = (): Promise<void> => followRepo(deps, poll, context);
    const onEnd = (): void => {
      if (deps.owed.isSoon(key)) wake.notify();
    };
    if (background.tryStart(key, follow, onEnd)) begun.push(key);
    else deps.owed.add(key, { ...owed, isWatched: poll.attempts.some(isWatched) });
  }
  await background.waitFor(begun, deps.clock);
}
