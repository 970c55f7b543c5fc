import type { Attempt, Run } from '../domain/attempt.ts';
import type { Event } from '../domain/event.ts';
import { type Forge, ForgeError, type RunFilter, type RunListing } from '../forge/forge.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Store } from '../store/store.ts';
import type { LoopContext, LoopSpec } from './leased-loop.ts';
import { lookByRepo, type RepoLook } from './repo-runs.ts';
import { isSearching, type ResolveDeps, resolveAttempts } from './resolve-attempts.ts';

/** A new run may be readable only seconds after the reply that named it: until then its absence says nothing. */
const VISIBLE_WITHIN_MS = 60_000;
/** An absent attempt is watched this long for a run that turns up after all. */
const WATCH_ABSENT_MS = 24 * 60 * 60_000;
/** A run that no runner takes for so long may ask for labels that none has: only its workflow jobs tell. */
const PICKUP_EXPECTED_WITHIN_MS = 10_000;
/** Nothing of a queued run has started, so what it asks for stays the same: not a request for each tick. */
const LOOK_INTO_QUEUED_EVERY_MS = 60_000;

export interface TrackRunsDeps {
  readonly forge: Forge;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly trackingIntervalMs: number;
  readonly requestTimeoutMs: number;
  readonly runLookupTimeoutMs: number;
  /** A run that answers 404, or does not show up, counts as gone only when it still does so this much later. */
  readonly recheckAfterMs: number;
}

interface TrackDeps extends TrackRunsDeps {
  /** Whose queued runs were looked into, and when, on the monotonic clock. */
  readonly lookedInto: Map<string, number>;
}

/** Follows the runs of live attempts, moves their jobs on, and finds the runs of attempts whose outcome is unknown. */
export function trackRuns(given: TrackRunsDeps): LoopSpec {
  const deps = { ...given, lookedInto: new Map<string, number>() };
  const absentDue = everyNowAndThen(deps.clock, deps.recheckAfterMs);
  return {
    name: `track-runs:${deps.forge.id}`,
    everyMs: deps.trackingIntervalMs,
    isWokenBy: isNewlyBusy,
    tick: (context) => tick(deps, context, absentDue()),
  };
}

/** Says true at most once in `everyMs`. */
function everyNowAndThen(clock: Clock, everyMs: number): () => boolean {
  let last = -Infinity;
  return () => {
    const now = clock.monotonic();
    if (now - last < everyMs) return false;
    last = now;
    return true;
  };
}

/** A runner that has just become busy has probably taken a run of ours. */
function isNewlyBusy(event: Event): boolean {
  return event.kind === 'runner.changed' && event.data['isNewlyBusy'] === true;
}

/**
 * @param isAbsentDue look for late runs too: these listings go back up to a day, so not every tick pays for them
 */
async function tick(deps: TrackDeps, context: LoopContext, isAbsentDue: boolean): Promise<void> {
  const { forge, store, clock } = deps;
  const now = clock.now();
  const [live, absent] = await Promise.all([
    store.runs.listLive(forge.id),
    isAbsentDue ? store.runs.listWatchedAbsent(forge.id, now - WATCH_ABSENT_MS) : [],
  ]);
  forgetEnded(deps, live);
  const looks = lookByRepo([...live, ...absent], now, forge.dateOffset().offsetMs);
  await Promise.all(looks.map((look) => followRepo(deps, look, context)));
}

/** One repository that fails must not keep the others from being followed. */
async function followRepo(deps: TrackDeps, look: RepoLook, context: LoopContext): Promise<void> {
  const { owner, repo } = look;
  try {
    if (look.listed.length > 0) await followByListing(deps, look, context);
    await allOf(deps, look.single, (attempt) => followOne(deps, attempt, context.signal));
  } catch (error) {
    if (context.signal.aborted) return;
    deps.logger.warn({ err: error, owner, repo }, 'runs not followed');
  }
}

async function followByListing(
  deps: TrackDeps,
  look: RepoLook,
  context: LoopContext,
): Promise<void> {
  const { forge } = deps;
  const filter: RunFilter = {
    createdSince: look.createdSince,
    purpose: look.listed.some(isSearching) ? 'lookup' : 'track',
  };
  const listing = await forge.listRuns(look.owner, look.repo, filter, context.signal);
  const runs = new Map(listing.runs.map((run) => [run.id, run]));
  const takeListed = async (attempt: Attempt): Promise<void> => {
    if (attempt.runId === null || attempt.endedAt !== null || !context.mayGoOn()) return;
    const run = runs.get(attempt.runId);
    if (run !== undefined) await takeRun(deps, attempt, run, listing.forgeSentAt, context.signal);
    else if (isOverdue(attempt, listing)) await followOne(deps, attempt, context.signal);
    // Listings show a new run seconds late; asked by its id it tells at once which runner has taken it.
    else if (attempt.runnerId === null) {
      await takeWorkflowJobs(deps, attempt, attempt.runId, context.signal);
    }
  };
  // Side by side: a hold lasts until its run is taken, and one request after another would idle runners for seconds.
  await allOf(deps, look.listed, takeListed);
  await resolveAttempts(resolveDeps(deps), look.listed, listing);
}

function resolveDeps({ store, forge, clock, ...deps }: TrackRunsDeps): ResolveDeps {
  const offset = forge.dateOffset();
  return {
    runs: store.runs,
    offset,
    now: clock.now(),
    timing: {
      requestTimeoutMs: deps.requestTimeoutMs,
      runLookupTimeoutMs: deps.runLookupTimeoutMs,
      listingGapMs: deps.recheckAfterMs,
      uncertaintyMs: offset.uncertaintyMs,
    },
  };
}

/** One attempt that fails must not keep the others from being followed. */
async function allOf(
  { logger }: TrackRunsDeps,
  attempts: readonly Attempt[],
  take: (attempt: Attempt) => Promise<void>,
): Promise<void> {
  const taken = attempts.map(async (attempt) => {
    try {
      await take(attempt);
    } catch (error) {
      logger.warn({ err: error, attemptId: attempt.id, runId: attempt.runId }, 'run not followed');
    }
  });
  await Promise.all(taken);
}

function isOverdue(attempt: Attempt, listing: RunListing): boolean {
  return listing.isComplete && listing.sentAt - attempt.claimedAt > VISIBLE_WITHIN_MS;
}

async function followOne(deps: TrackDeps, attempt: Attempt, signal: AbortSignal): Promise<void> {
  const { forge, logger } = deps;
  const { owner, repo, runId } = attempt;
  if (runId === null) return;
  try {
    const { run, forgeSentAt } = await forge.getRun(owner, repo, runId, signal);
    await takeRun(deps, attempt, run, forgeSentAt, signal);
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    if (error.code === 'not-found') await noteGone(deps, attempt, runId, signal);
    else logger.warn({ err: error, attemptId: attempt.id, runId }, 'run not read');
  }
}

/** A 404 counts only when the same credential then reads the repository. */
async function noteGone(
  deps: TrackRunsDeps,
  attempt: Attempt,
  runId: string,
  signal: AbortSignal,
): Promise<void> {
  const { owner, repo } = attempt;
  if (!(await deps.forge.canReadRepo(owner, repo, signal))) {
    deps.logger.warn({ owner, repo, runId }, 'run not read: no access to its repository');
    return;
  }
  const message = `run ${runId} was deleted on the forge`;
  await deps.store.runs.recordRunGone(attempt.id, deps.recheckAfterMs, message);
}

/** The runner's name is stored before the end of the run: the end closes the attempt. */
async function takeRun(
  deps: TrackDeps,
  attempt: Attempt,
  run: Run,
  sentAt: number,
  signal: AbortSignal,
): Promise<void> {
  if (run.attempt > 1) {
    await takeFirstAttempt(deps, attempt, signal);
    return;
  }
  if (needsWorkflowJobs(attempt, run) || isToBeLookedInto(deps, attempt, run, sentAt)) {
    await takeWorkflowJobs(deps, attempt, run.id, signal);
  }
  await deps.store.runs.recordRun(attempt.id, run, sentAt);
}

/** It was re-run before we saw it end: how our attempt ended is asked for, what goes on now is nobody's job here. */
async function takeFirstAttempt(
  { forge, store }: TrackDeps,
  { id, owner, repo, runId }: Attempt,
  signal: AbortSignal,
): Promise<void> {
  if (runId === null) return;
  const { run, forgeSentAt } = await forge.getFirstAttempt(owner, repo, runId, signal);
  await store.runs.recordRun(id, run, forgeSentAt);
}

/** Until its runner is known; and while more of its workflow jobs may be waiting for runners. */
function needsWorkflowJobs(attempt: Attempt, run: Run): boolean {
  const isRunning = run.status === 'in_progress';
  if (attempt.runnerId === null) return isRunning || run.status === 'completed';
  return isRunning && attempt.holdEndedAt === null;
}

/** Queued, and nobody takes it: what it asks for decides which runners are kept for it, and what its job is told. */
function isToBeLookedInto(
  { lookedInto, clock }: TrackDeps,
  attempt: Attempt,
  run: Run,
  sentAt: number,
): boolean {
  if (run.status !== 'queued') return false;
  if (sentAt - run.createdAt < PICKUP_EXPECTED_WITHIN_MS) return false;
  const now = clock.monotonic();
  if (now - (lookedInto.get(attempt.id) ?? -Infinity) < LOOK_INTO_QUEUED_EVERY_MS) return false;
  lookedInto.set(attempt.id, now);
  return true;
}

function forgetEnded({ lookedInto }: TrackDeps, live: readonly Attempt[]): void {
  if (lookedInto.size === 0) return;
  const ids = new Set(live.map(({ id }) => id));
  for (const id of lookedInto.keys()) if (!ids.has(id)) lookedInto.delete(id);
}

/** Failing here costs the runner's name for now, never the run's own state. */
async function takeWorkflowJobs(
  deps: TrackRunsDeps,
  attempt: Attempt,
  runId: string,
  signal: AbortSignal,
): Promise<void> {
  const { owner, repo } = attempt;
  try {
    const { jobs, forgeSentAt } = await deps.forge.listRunJobs(owner, repo, runId, signal);
    await deps.store.runs.recordWorkflowJobs(attempt.id, jobs, forgeSentAt);
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    deps.logger.warn({ err: error, attemptId: attempt.id, runId }, 'workflow jobs not read');
  }
}
