import type { Attempt, Run } from '../domain/attempt.ts';
import {
  type CorrelationTiming,
  correlate,
  type Decision,
  lateRuns,
  type SearchedAttempt,
} from '../domain/correlation.ts';
import { groupByKey, repoKeyOf, runsOfKey } from '../domain/run-keys.ts';
import type { DateOffset, RunListing } from '../forge/forge.ts';
import type { Store } from '../store/store.ts';

export interface ResolveDeps {
  readonly runs: Store['runs'];
  readonly timing: CorrelationTiming;
  readonly offset: DateOffset;
  /** Our clock. */
  readonly now: number;
  /** An absent attempt is watched this long for a run that turns up after all. */
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
export function isOpen(attempt: Attempt): boolean {
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
  const [live, absent] = await Promise.all([
    runs.listLive(where.forgeId),
    runs.listWatchedAbsent(where.forgeId, now - lateRunMs),
  ]);
  return [...live, ...absent].filter((one) => repoKeyOf(one) === repoKeyOf(where));
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
    attempts: searching.map(onForgeClock),
    sending,
    runs,
    listing: { sentAt, isComplete, createdSince },
    timing: deps.timing,
    now: deps.now + deps.offset.offsetMs,
  });
  const byId = new Map(runs.map((run) => [run.id, run]));
  for (const decision of decisions) await carryOut(deps, decision, byId, sentAt);
  const matched = new Set(decisions.flatMap((one) => (one.kind === 'match' ? one.runId : [])));
  const late = lateRuns({
    absent: attempts.filter(isWatched).map(onForgeClock),
    searching: [...searching, ...sending].map(onForgeClock),
    runs: runs.filter((run) => !matched.has(run.id)),
    timing: deps.timing,
  });
  for (const { attemptId, runId } of late) {
    const run = byId.get(runId);
    if (run !== undefined) await deps.runs.adoptLateRun(attemptId, run);
  }
}

/** Called absent, and no run has turned up for it yet. */
function isWatched({ state, runId }: Attempt): boolean {
  return state === 'absent' && runId === null;
}

/** Not by the offset of now: a clock that was stepped since the claim would look for the run where it is not. */
function onForgeClock({ id, state, actor, missingSince, ...attempt }: Attempt): SearchedAttempt {
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
