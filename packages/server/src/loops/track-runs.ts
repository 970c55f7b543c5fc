import type { Attempt } from '../domain/attempt.ts';
import { ForgeError, type RunFilter, type RunListing } from '../forge/forge.ts';
import { DoubtPace } from './doubt-pace.ts';
import {
  type FollowDeps,
  followOne,
  forgetEnded,
  noteUnreadable,
  takeRun,
  takeWorkflowJobs,
} from './follow-run.ts';
import type { LoopContext, LoopSpec } from './leased-loop.ts';
import { OverdueRuns } from './overdue-runs.ts';
import { lookByRepo, type RepoLook } from './repo-runs.ts';
import {
  isSearching,
  needsListing,
  type ResolveDeps,
  resolveAttempts,
} from './resolve-attempts.ts';
import { TrackPace } from './track-pace.ts';
import { Troubles } from './troubles.ts';

/** A listing that was cut short is asked for again after so many times `recheck_after`. */
const INCOMPLETE_WAITS = 10;

/** Answers of a repository that this credential cannot see. */
const CLOSED = new Set(['not-found', 'no-access']);

export interface TrackRunsDeps extends Omit<FollowDeps, 'lookedInto' | 'betweenJobs' | 'troubles'> {
  readonly trackingIntervalMs: number;
  readonly requestTimeoutMs: number;
  readonly runLookupTimeoutMs: number;
  /** A new run may be readable only so long after the reply that named it: until then its absence says nothing. */
  readonly runVisibleMs: number;
  /** An attempt that was given up is watched this long for a run that turns up after all. */
  readonly lateRunMs: number;
}

interface TrackDeps extends TrackRunsDeps, Pick<FollowDeps, 'lookedInto' | 'troubles'> {
  readonly pace: TrackPace;
  readonly overdue: OverdueRuns;
  readonly doubts: DoubtPace;
  /** Repositories (`owner/repo`) whose plain listing was cut short: asked for again from then on, on the monotonic clock. */
  readonly plainlyFrom: Map<string, number>;
}
type TickDeps = TrackRunsDeps & FollowDeps & Pick<TrackDeps, 'plainlyFrom'>;

/** Follows the runs of live attempts, moves their jobs on, and finds the runs of attempts whose outcome is unknown. */
export function trackRuns(given: TrackRunsDeps): LoopSpec {
  const { flow, clock, trackingIntervalMs, recheckAfterMs } = given;
  const { webhookGraceMs } = flow;
  const pace = new TrackPace({ flow, clock, trackingIntervalMs, recheckAfterMs });
  const overdue = new OverdueRuns({ clock, webhookGraceMs, trackingIntervalMs });
  const deps: TrackDeps = {
    ...given,
    lookedInto: new Map(),
    troubles: new Troubles(),
    pace,
    overdue,
    doubts: new DoubtPace(clock, trackingIntervalMs),
    plainlyFrom: new Map(),
  };
  let cancelLook = (): void => undefined;
  return {
    name: `track-runs:${deps.forge.id}`,
    everyMs: flow.checkEveryMs(trackingIntervalMs),
    isWokenBy: (event) => pace.isWokenBy(event),
    tick: async (context) => {
      cancelLook();
      await tick(deps, context);
      const waitMs = deps.doubts.waitMs();
      if (waitMs !== null) cancelLook = clock.after(waitMs, () => context.wake.knock());
    },
    drain: () => {
      cancelLook();
      return Promise.resolve();
    },
  };
}

async function tick(deps: TrackDeps, context: LoopContext): Promise<void> {
  const { forge, store, clock, overdue } = deps;
  const now = clock.now();
  const { isAll, isRunTold, restarted, isWatchedDue } = await deps.pace.next();
  // Here too: a server that does not dispatch still has to settle what one that died had claimed.
  await store.dispatch.expireClaims(context.fence, deps.requestTimeoutMs);
  const [live, betweenJobs, watched] = await Promise.all([
    store.runs.listLive(forge.id),
    store.runs.listToLookInto(forge.id),
    isWatchedDue ? store.runs.listWatched(forge.id, now - deps.lateRunMs) : [],
  ]);
  forgetEnded(deps, live);
  const forgeNow = now + forge.dateOffset().offsetMs;
  const late = overdue.choose(live, betweenJobs, forgeNow, isRunTold);
  if (isAll) overdue.noteLooked(live);
  const over = live.filter((attempt) => restarted.has(attempt.id) && !late.includes(attempt));
  const urgent = new Set([...betweenJobs, ...restarted]);
  const sought = deps.doubts.take(live).filter((one) => !late.includes(one) && !over.includes(one));
  const some = [...late, ...over, ...sought];
  const looks = lookByRepo([...(isAll ? live : some), ...watched], now, urgent);
  // Only these ticks see everything that is looked at.
  if (isAll && isWatchedDue) {
    deps.troubles.keepOnly([...looks.map(nameOf), ...live.map(({ id }) => id)]);
  }
  await Promise.all(looks.map((look) => followRepo({ ...deps, betweenJobs }, look, context)));
}

function nameOf({ owner, repo }: RepoLook): string {
  return `${owner}/${repo}`;
}

/** One repository that fails must not keep the others from being followed. */
async function followRepo(deps: TickDeps, look: RepoLook, context: LoopContext): Promise<void> {
  const { owner, repo } = look;
  try {
    if (look.listed.length > 0) await followByListing(deps, look, context);
    await allOf(deps, look.single, (attempt) => followOne(deps, attempt, context.signal));
  } catch (error) {
    if (context.signal.aborted) return;
    const level = deps.troubles.levelOf(nameOf(look), error);
    deps.logger[level]({ err: error, owner, repo }, 'runs not followed');
    const isClosed = error instanceof ForgeError && CLOSED.has(error.code);
    const open = look.attempts.filter(({ endedAt }) => endedAt === null);
    if (isClosed) await allOf(deps, open, (attempt) => noteUnreadable(deps, attempt));
  }
}

async function followByListing(
  deps: TickDeps,
  look: RepoLook,
  context: LoopContext,
): Promise<void> {
  const { forge } = deps;
  const filter: RunFilter = {
    createdSince: look.createdSince,
    purpose: look.listed.some(isSearching) ? 'lookup' : 'track',
  };
  const listing = await forge.listRuns(look.owner, look.repo, filter, context.signal);
  deps.troubles.over(nameOf(look));
  const runs = new Map(listing.runs.map((run) => [run.id, run]));
  const takeListed = async (attempt: Attempt): Promise<void> => {
    if (attempt.runId === null || attempt.endedAt !== null || !context.mayGoOn()) return;
    const run = runs.get(attempt.runId);
    if (run !== undefined) await takeRun(deps, attempt, run, listing.forgeSentAt, context.signal);
    else if (isOverdue(deps, attempt, listing)) await followOne(deps, attempt, context.signal);
    // Listings show a new run seconds late; asked by its id it tells at once which runner has taken it.
    else if (attempt.runnerId === null) {
      await takeWorkflowJobs(deps, attempt, attempt.runId, context.signal);
    }
  };
  // Side by side: a hold lasts until its run is taken, and one request after another would idle runners for seconds.
  await allOf(deps, look.listed, takeListed);
  if (!look.listed.some(needsListing)) return;
  const { owner, repo, createdSince } = look;
  const where = { forgeId: forge.id, owner, repo, createdSince };
  await resolveAttempts(resolveDeps(deps, look, context), where, listing);
}

function resolveDeps(deps: TickDeps, look: RepoLook, context: LoopContext): ResolveDeps {
  return {
    runs: deps.store.runs,
    offset: deps.forge.dateOffset(),
    actorNow: () => deps.forge.credentialFor('dispatch').actor,
    now: deps.clock.now(),
    listAgain: (createdSince) => listPlainly(deps, look, createdSince, context),
    lateRunMs: deps.lateRunMs,
    timing: {
      requestTimeoutMs: deps.requestTimeoutMs,
      runLookupTimeoutMs: deps.runLookupTimeoutMs,
      recheckAfterMs: deps.recheckAfterMs,
    },
  };
}

/**
 * Of a repository that has made too many runs since to show them all it cannot be told that a run is not there. Read
 * anew at each look it would use up the credential's requests: so it is asked again after a while only.
 */
async function listPlainly(
  { forge, clock, recheckAfterMs, plainlyFrom }: TickDeps,
  look: RepoLook,
  createdSince: number,
  { signal }: LoopContext,
): Promise<RunListing | undefined> {
  const name = nameOf(look);
  if (clock.monotonic() < (plainlyFrom.get(name) ?? -Infinity)) return undefined;
  const filter: RunFilter = { createdSince, purpose: 'lookup', isPlain: true };
  const listing = await forge.listRuns(look.owner, look.repo, filter, signal);
  if (listing.isComplete) plainlyFrom.delete(name);
  else plainlyFrom.set(name, clock.monotonic() + recheckAfterMs * INCOMPLETE_WAITS);
  // Of a renamed account it shows runs that seem to be somebody else's. Asked after it, so that no rename falls between.
  await forge.refreshActor(signal);
  return listing;
}

/** One attempt that fails must not keep the others from being followed. */
async function allOf(
  { logger, troubles }: TickDeps,
  attempts: readonly Attempt[],
  take: (attempt: Attempt) => Promise<void>,
): Promise<void> {
  const taken = attempts.map(async (attempt) => {
    try {
      await take(attempt);
    } catch (error) {
      const level = troubles.levelOf(attempt.id, error);
      logger[level](
        { err: error, attemptId: attempt.id, runId: attempt.runId },
        'run not followed',
      );
    }
  });
  await Promise.all(taken);
}

function isOverdue(
  { runVisibleMs }: TrackRunsDeps,
  attempt: Attempt,
  listing: RunListing,
): boolean {
  // Also beside what the listing does not show: asked by its id the run proves itself.
  return listing.sentAt - attempt.claimedAt > runVisibleMs;
}
