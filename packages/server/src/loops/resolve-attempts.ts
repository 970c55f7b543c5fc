import { type Attempt, isWatched, type Run } from '../domain/attempt.ts';
import {
  type CorrelationTiming,
  correlate,
  type Decision,
  lateRuns,
  type SearchedAttempt,
} from '../domain/correlation.ts';
import { groupByKey, repoKeyOf, runsOfKey } from '../domain/run-keys.ts';
import type { DateOffset, RunListing } from '../forge/forge.ts';
import type { Store } from '../store/port/store.ts';

export interface ResolveDeps {
  readonly runs: Store['runs'];
  readonly timing: CorrelationTiming;
  readonly offset: DateOffset;
  /** Our clock. */
  readonly now: number;
  /** An attempt that was given up is watched this long for a run that turns up after all. */
  readonly lateRunMs: number;
}

/** What was listed. Attempts claimed before are beyond it, though they are among those read here. */
export interface ListedRepo extends Pick<Attempt, 'forgeId' | 'owner' | 'repo'> {
  /** On the forge's clock. */
  readonly createdSince: number;
}

/** Needs a run: its outcome is unknown, or a 2xx answer named none. */
export function isSearching(attempt: Attempt): boolean {
  const mayHaveRun = attempt.state === 'unknown' || attempt.state === 'accepted';
  return mayHaveRun && attempt.runId === null && attempt.endedAt === null;
}

/** A listing of its repository's runs may settle something about it. */
export function needsListing(attempt: Attempt): boolean {
  return isSearching(attempt) || isWatched(attempt);
}

/** Finds the runs of attempts that need one, concludes which started nothing, and which started one after all. */
export async function resolveAttempts(
  deps: ResolveDeps,
  where: ListedRepo,
  listing: RunListing,
): Promise<void> {
  const { createdSince } = where;
  const attempts = await listAttempts(deps, where);
  const ids = listing.runs.map((run) => run.id);
  const owned = await deps.runs.listOwnedRunIds(where.forgeId, ids);
  const unowned = listing.runs.filter((run) => !owned.has(run.id));
  for (const ofKey of groupByKey(attempts, unowned))
    await resolveKey(deps, ofKey, unowned, { ...listing, createdSince });
}

/**
 * Read only now that the listing is there: it may show the run of an attempt that was claimed while it was on its
 * way. Unknown here, that run would be adopted by, or cancelled as the late one of, an attempt that started nothing,
 * and its own job would be started twice.
 */
async function listAttempts(
  { runs, now, lateRunMs }: ResolveDeps,
  where: ListedRepo,
): Promise<Attempt[]> {
  // In this order: one that is given up in between is in both, or in the first, and never in none.
  const live = await runs.listLive(where.forgeId);
  const known = new Set(live.map(({ id }) => id));
  const watched = await runs.listWatched(where.forgeId, now - lateRunMs);
  const ended = watched.filter(({ id }) => !known.has(id));
  return [...live, ...ended].filter((one) => repoKeyOf(one) === repoKeyOf(where));
}

async function resolveKey(
  deps: ResolveDeps,
  attempts: readonly Attempt[],
  unowned: readonly Run[],
  listing: RunListing & Pick<ListedRepo, 'createdSince'>,
): Promise<void> {
  const [first] = attempts;
  if (first === undefined) return;
  const runs = runsOfKey(first, unowned);
  const searching = attempts.filter(isSearching);
  const sending = attempts.filter(({ state }) => state === 'claimed');
  const { forgeSentAt: sentAt, isComplete, createdSince } = listing;
  const decisions = correlate({
    attempts: searching.map(asSearched),
    sending,
    knownIds: attempts.map(({ id }) => id),
    runs,
    listing: { sentAt, isComplete, createdSince },
    timing: deps.timing,
    now: deps.now + deps.offset.offsetMs,
  });
  const byId = new Map(runs.map((run) => [run.id, run]));
  for (const decision of decisions) await carryOut(deps, decision, byId, sentAt);
  const matched = new Set(decisions.flatMap((one) => (one.kind === 'match' ? one.runId : [])));
  const left = runs.filter((run) => !matched.has(run.id));
  await adoptLate(deps, attempts, left);
}

/** @param runs of the key, that nobody owns */
async function adoptLate(
  { runs: store, timing }: ResolveDeps,
  attempts: readonly Attempt[],
  runs: readonly Run[],
): Promise<void> {
  const mayOwn = (one: Attempt): boolean => isSearching(one) || one.state === 'claimed';
  const late = lateRuns({
    watched: attempts.filter(isWatched).map(asSearched),
    searching: attempts.filter(mayOwn).map(asSearched),
    guessed: attempts.filter(({ matchedBy }) => matchedBy === 'order').map(asSearched),
    knownIds: attempts.map(({ id }) => id),
    runs,
    timing,
  });
  for (const { attemptId, runId, matchedBy } of late) {
    const run = runs.find(({ id }) => id === runId);
    if (run !== undefined) await store.adoptLateRun(attemptId, run, matchedBy);
  }
}

/** With its times on the forge's clock as it stood at the claim, not by the offset of now: a clock that was stepped since the claim would look for the run where it is not. */
function asSearched({ id, state, actor, missingSince, ...attempt }: Attempt): SearchedAttempt {
  const { forgeClaimedAt: claimedAt, forgeSendDeadline: sendDeadline } = attempt;
  return { id, state, actor, missingSince, claimedAt, sendDeadline };
}

async function carryOut(
  { runs }: ResolveDeps,
  decision: Decision,
  byId: ReadonlyMap<string, Run>,
  listedAt: number,
): Promise<void> {
  switch (decision.kind) {
    case 'match': {
      const run = byId.get(decision.runId);
      if (run !== undefined) await runs.matchRun(decision.attemptId, run, decision.matchedBy);
      return;
    }
    case 'missing':
      await runs.recordMissing(decision.attemptId, listedAt);
      return;
    case 'absent':
      await runs.concludeAbsent(decision.attemptId, 'run not found: the forge shows none for it');
      return;
    case 'wait':
  }
}
