/** One repository's runs: what is asked of the forge about them in one look. */
import type { Attempt } from '../../domain/attempt.ts';
import { INCOMPLETE_RECHECKS } from '../../domain/correlation/correlation.ts';
import { repoKeyOf } from '../../domain/run-keys.ts';
import { ForgeError, type RunFilter, type RunListing } from '../../forge/forge.ts';
import type { GrowingPauses } from '../forge-limits/growing-pauses.ts';
import { limitedForMs } from '../forge-limits/limited-for.ts';
import type { LoopContext } from '../leased-loop.ts';
import {
  type FollowOneDeps,
  followEach,
  followOne,
  isClosed,
  noteUnreadable,
  takeRun,
  takeWorkflowJobs,
} from './follow-run.ts';
import { followUnlisted } from './follow-unlisted.ts';
import type { KnownSince } from './known-since.ts';
import type { ListingOutages } from './listing-outages.ts';
import type { RepoPoll } from './repo-runs.ts';
import {
  isSearching,
  needsListing,
  type ResolveDeps,
  resolveAttempts,
  resolveUnlisted,
} from './resolve-attempts.ts';
import type { RunStamps, StampOffset } from './run-stamps.ts';
import type { DeletedRuns } from './standing-listing.ts';

export interface RepoDeps extends FollowOneDeps {
  readonly stamps: Pick<RunStamps, 'offset'>;
  readonly requestTimeoutMs: number;
  readonly runLookupTimeoutMs: number;
  /** A new run may be readable only so long after the reply that named it: until then its absence says nothing. */
  readonly runVisibleMs: number;
  /** An attempt that was given up is watched this long for a run that turns up after all. */
  readonly lateRunMs: number;
  /** Repositories (`owner/repo`) whose plain listing was cut short: asked for again from then on, on the monotonic clock. */
  readonly plainlyFrom: Map<string, number>;
  readonly outages: ListingOutages;
  readonly deletedRuns: DeletedRuns;
  readonly knownSince: KnownSince;
  /** Repositories, by their key, whose listing met a limit of the forge's. */
  readonly limitedRepos: GrowingPauses;
}

/** Of one look. */
interface RepoPollDeps extends RepoDeps, Pick<ResolveDeps, 'knownForMs'> {}

export function nameOf({ owner, repo }: Pick<RepoPoll, 'owner' | 'repo'>): string {
  return `${owner}/${repo}`;
}

/** One repository that fails must not keep the others from being followed; nor does its own look reject. */
export async function followRepo(
  given: RepoDeps,
  poll: RepoPoll,
  context: LoopContext,
): Promise<void> {
  const key = repoKeyOf(poll);
  const deps = { ...given, knownForMs: given.knownSince.asOfNow() };
  try {
    const mayList = deps.limitedRepos.isOver(key);
    if (poll.listed.length > 0 && mayList) {
      await followByListing(deps, poll, context);
      deps.logThrottle.over(nameOf(poll));
    }
    // Each costs two requests where nothing can be read: what nobody lets us see is asked for ever more rarely.
    const single = deps.closedRepos.isOver(key) ? poll.single : [];
    await followEach(deps, single, context, (one) => followOne(deps, one, context.signal));
    if (mayList) return;
    // Right after the limit that it met nothing could be asked: only now what webhooks have reported can be read, and shows
    // whether the repository itself can be.
    await findDelivered(deps, poll, context);
    const failure = deps.outages.failureOf(key);
    await followUnlisted(deps, poll, context, { attempts: poll.listed, failure });
  } catch (error) {
    if (!context.mayGoOn()) return;
    await noteFailure(deps, poll, context, error);
  }
}

async function noteFailure(
  deps: RepoPollDeps,
  poll: RepoPoll,
  context: LoopContext,
  error: unknown,
): Promise<void> {
  const { owner, repo } = poll;
  const limitedMs = limitedForMs(error, deps.clock);
  if (limitedMs !== undefined) deps.limitedRepos.noteInVain(repoKeyOf(poll), limitedMs);
  const level = deps.logThrottle.levelOf(nameOf(poll), error);
  deps.logger[level]({ err: error, owner, repo }, 'runs not followed');
  if (!(error instanceof ForgeError)) return;
  if (poll.listed.length > 0) deps.outages.noteFailed(repoKeyOf(poll), error);
  await findDelivered(deps, poll, context);
  const open = poll.attempts.filter(({ endedAt }) => endedAt === null);
  if (isClosed(error)) {
    await followEach(deps, open, context, (one) => noteUnreadable(deps, one));
    return;
  }
  // The listing comes before those that are read one by one: that it fails must not keep them waiting.
  const attempts = [...poll.listed, ...poll.single];
  await followUnlisted(deps, poll, context, { attempts, failure: error });
}

async function followByListing(
  deps: RepoPollDeps,
  poll: RepoPoll,
  context: LoopContext,
): Promise<void> {
  const { forge } = deps;
  const filter: RunFilter = {
    createdSince: poll.createdSince,
    purpose: poll.listed.some(isSearching) ? 'lookup' : 'track',
  };
  const listing = await forge.listRuns(poll.owner, poll.repo, filter, context.signal);
  deps.closedRepos.forget(repoKeyOf(poll));
  deps.outages.noteListed(repoKeyOf(poll));
  const runs = new Map(listing.runs.map((run) => [run.id, run]));
  const takeListed = async (attempt: Attempt): Promise<void> => {
    if (attempt.runId === null || attempt.endedAt !== null) return;
    const run = runs.get(attempt.runId);
    if (run !== undefined) await takeRun(deps, attempt, run, listing.forgeSentAt, context.signal);
    else if (isStale(deps, attempt, listing)) await followOne(deps, attempt, context.signal);
    // Listings show a new run seconds late; asked by its id it tells at once which runner has taken it.
    else if (attempt.runnerId === null) {
      await takeWorkflowJobs(deps, attempt, attempt.runId, context.signal);
    }
  };
  // Side by side: a hold lasts until its run is taken, and one request after another would idle runners for seconds.
  await followEach(deps, poll.listed, context, takeListed);
  if (!poll.listed.some(needsListing) || !context.mayGoOn()) {
    deps.limitedRepos.succeed(repoKeyOf(poll));
    return;
  }
  const { owner, repo, createdSince } = poll;
  const where = { forgeId: forge.id, owner, repo, createdSince };
  // Only now that its runs are stored: any of them may show that their stamps are off.
  const offset = await deps.stamps.offset({ runs: listing.runs, now: deps.clock.now() });
  await resolveAttempts(resolveDeps(deps, poll, context, offset), where, listing);
  // Not before: a plain listing that always fails keeps it from being settled as well, and one that meets a limit each time
  // stops all others as well.
  deps.limitedRepos.succeed(repoKeyOf(poll));
  await noteReadable(deps, poll);
}

/** Its runs cannot be listed, in one way or another: what webhooks have reported may be read all the same. */
async function findDelivered(
  deps: RepoPollDeps,
  poll: RepoPoll,
  context: LoopContext,
): Promise<void> {
  if (!poll.listed.some(isSearching) || !context.mayGoOn()) return;
  const { owner, repo, createdSince } = poll;
  const where = { forgeId: deps.forge.id, owner, repo, createdSince };
  try {
    const offset = await deps.stamps.offset();
    await resolveUnlisted(resolveDeps(deps, poll, context, offset), where);
  } catch (error) {
    // The listing's failure, told before, says as much.
    deps.logger.debug({ err: error, owner, repo }, 'runs that webhooks told of not read');
  }
}

/** A repository that could not be read for a moment now and then is not one that nobody can read. */
async function noteReadable({ store }: RepoDeps, { listed }: RepoPoll): Promise<void> {
  const back = listed.filter(
    ({ runId, goneSince, endedAt }) => runId === null && goneSince !== null && endedAt === null,
  );
  if (back.length > 0) await store.runs.recordReadable(back.map(({ id }) => id));
}

function resolveDeps(
  deps: RepoPollDeps,
  poll: RepoPoll,
  context: LoopContext,
  offset: StampOffset,
): ResolveDeps {
  return {
    runs: deps.store.runs,
    webhooks: deps.store.webhooks,
    forge: deps.forge,
    signal: context.signal,
    offset,
    credentialNow: () => deps.forge.credentialFor('dispatch'),
    now: deps.clock.now(),
    knownForMs: deps.knownForMs,
    listAgain: (createdSince) => listPlainly(deps, poll, createdSince, context),
    listAgainLater: () => listPlainlyLater(deps, poll),
    readableMs: (attemptId) => deps.outages.readableMs(repoKeyOf(poll), attemptId),
    lateRunMs: deps.lateRunMs,
    deletedRuns: deps.deletedRuns,
    runVisibleMs: deps.runVisibleMs,
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
  deps: RepoDeps,
  poll: RepoPoll,
  createdSince: number,
  { signal, mayGoOn }: LoopContext,
): Promise<RunListing | undefined> {
  const { forge, clock, plainlyFrom } = deps;
  const name = nameOf(poll);
  if (clock.monotonic() < (plainlyFrom.get(name) ?? -Infinity)) return undefined;
  const filter: RunFilter = { createdSince, purpose: 'lookup', isPlain: true };
  const listing = await forge.listRuns(poll.owner, poll.repo, filter, signal);
  if (listing.isComplete) plainlyFrom.delete(name);
  else listPlainlyLater(deps, poll);
  // Of a renamed account it shows runs that seem to be somebody else's. Asked after it, so that no rename falls between.
  await forge.refreshActor(signal);
  return mayGoOn() ? listing : undefined;
}

function listPlainlyLater({ clock, recheckAfterMs, plainlyFrom }: RepoDeps, poll: RepoPoll): void {
  plainlyFrom.set(nameOf(poll), clock.monotonic() + recheckAfterMs * INCOMPLETE_RECHECKS);
}

function isStale({ runVisibleMs }: RepoDeps, attempt: Attempt, listing: RunListing): boolean {
  // Also beside what the listing does not show: asked by its id the run proves itself.
  return listing.sentAt - attempt.claimedAt > runVisibleMs;
}
