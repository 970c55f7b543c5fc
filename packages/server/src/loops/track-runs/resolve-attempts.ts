import { type Attempt, isWatched, type Run } from '../../domain/attempt.ts';
import { idsInNames, type KnownIds } from '../../domain/correlation/by-name.ts';
import type { CorrelationView } from '../../domain/correlation/clusters.ts';
import {
  type CorrelationInput,
  correlate,
  type Decision,
} from '../../domain/correlation/correlation.ts';
import type { ElsewhereRun } from '../../domain/correlation/elsewhere.ts';
import { lateRuns } from '../../domain/correlation/late-runs.ts';
import { passedSinceDeadlineMs } from '../../domain/correlation/passed-time.ts';
import { findUnnamedRun } from '../../domain/correlation/unnamed-run.ts';
import {
  type CorrelationTiming,
  runMadeWithinMs,
  type SearchedAttempt,
  steppedSince,
} from '../../domain/correlation/window.ts';
import { groupByKey, repoKeyOf, runsElsewhere, runsOfKey } from '../../domain/run-keys.ts';
import type { CredentialStatus, RunListing } from '../../forge/forge.ts';
import type { Store } from '../../store/port/store.ts';
import { ambiguousMessage } from './ambiguous-message.ts';
import { bearsIdOf, type DeliveredDeps, listUnshown, readUnshown } from './delivered-runs.ts';
import { listedSince } from './repo-runs.ts';
import type { StampOffset } from './run-stamps.ts';
import { isStandingStill, listedSinceNamed, type StandingDeps } from './standing-listing.ts';

/** `search`: a filtered listing alone. */
type Evidence = 'search' | 'both';

interface ListedRuns extends RunListing, Pick<ListedRepo, 'createdSince'> {
  readonly evidence: Evidence;
  /** Of these runs, by attempts. */
  readonly owned: ReadonlySet<string>;
  /** Of all keys of the repository. */
  readonly openIds: ReadonlySet<string>;
}

export interface ResolveDeps extends Omit<DeliveredDeps & StandingDeps, 'runs'> {
  readonly runs: Store['runs'];
  readonly timing: CorrelationTiming;
  readonly offset: StampOffset;
  /** The dispatch credential, with its login as it is known when it is asked for. */
  readonly credentialNow: () => Pick<CredentialStatus, 'budgetId' | 'actor'>;
  /** Our clock. */
  readonly now: number;
  /** When the look began, before anything was asked: how long this process had known of an attempt. */
  readonly knownForMs: (attemptId: string) => number;
  /** How long the repository could be listed while this attempt was looked for. */
  readonly readableMs: (attemptId: string) => number;
  /** An attempt that was given up is watched this long for a run that turns up after all. */
  readonly lateRunMs: number;
  /**
   * A listing of the same repository and time that the forge makes in another way: its search over runs has shown
   * nothing for hours while its plain listing was right. `undefined`: not now.
   *
   * @param createdSince on the forge's clock
   */
  readonly listAgain: (createdSince: number) => Promise<RunListing | undefined>;
  /** The plain listing stands still, or too much of what was told cannot be read at once: not to be tried again at each look. */
  readonly listAgainLater: () => void;
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
  const { last, searching } = await resolveBy(deps, where, listing, 'search');
  if (last.length === 0) return;
  // Nothing is sent again on one kind of evidence: what it does not show, another listing must not show either.
  const forgeNow = deps.now + deps.offset.offsetMs;
  const ofAttempts = { ...where, createdSince: listedSince(last, deps.offset) };
  const createdSince = await listedSinceNamed(deps, ofAttempts, forgeNow);
  const again = await deps.listAgain(createdSince);
  if (again === undefined) return;
  const both = united(listing, again);
  const sought = { ...where, createdSince, attempts: searching, shown: both.runs };
  const delivered = await readUnshown(deps, where, await listUnshown(deps, sought));
  const isStill = await isStandingStill(deps, { ...where, createdSince }, again);
  if (!delivered.areAll || isStill) deps.listAgainLater();
  const runs = [...both.runs, ...delivered.runs];
  const isComplete = both.isComplete && delivered.areAll && !isStill;
  await resolveBy(deps, { ...where, createdSince }, { ...both, runs, isComplete }, 'both');
}

/** Each look that cannot list comes again soon, and looks at the latest only: a webhook leads to a look at once. */
const MOST_UNLISTED_DELIVERIES = 2_000;

/** Where no listing comes, nothing is concluded; but what bears the id of an attempt, as a webhook has reported, is its run all the same. */
export async function resolveUnlisted(deps: ResolveDeps, where: ListedRepo): Promise<void> {
  const all = await listAttempts(deps, where);
  const attempts = all.filter((one) => isSearching(one) && one.correlationInput !== null);
  if (attempts.length === 0) return;
  const most = { mostDeliveries: MOST_UNLISTED_DELIVERIES };
  const unshown = await listUnshown(deps, { ...where, attempts, shown: [], ...most });
  if (!unshown.some((run) => bearsIdOf(attempts, run))) return;
  const { runs } = await readUnshown(deps, where, unshown);
  const { now, offset } = deps;
  const sent = { sentAt: now, forgeSentAt: now + offset.offsetMs };
  await resolveBy(deps, where, { runs, isComplete: false, ...sent }, 'search');
}

interface Resolved {
  /** Of which something would be concluded from what only a search says. */
  readonly last: readonly Attempt[];
  readonly searching: readonly Attempt[];
}

async function resolveBy(
  deps: ResolveDeps,
  where: ListedRepo,
  listing: RunListing,
  evidence: Evidence,
): Promise<Resolved> {
  const { createdSince } = where;
  const attempts = await listAttempts(deps, where);
  const ids = listing.runs.map((run) => run.id);
  const owned = await deps.runs.listOwnedRunIds(where.forgeId, ids);
  const unowned = listing.runs.filter((run) => !owned.has(run.id));
  const openIds = new Set(attempts.filter(mayGetRun).map(({ id }) => id));
  const listed = { ...listing, createdSince, evidence, owned, openIds };
  const last: Attempt[] = [];
  for (const ofKey of groupByKey(attempts, unowned)) {
    last.push(...(await resolveKey(deps, ofKey, unowned, listed)));
  }
  return { last, searching: attempts.filter(isSearching) };
}

/** Of both what either shows, as old as the older one. What a search cannot show a whole plain listing does. */
function united(search: RunListing, plain: RunListing): RunListing {
  const runs = new Map([...search.runs, ...plain.runs].map((run) => [run.id, run]));
  return {
    runs: [...runs.values()],
    isComplete: plain.isComplete,
    sentAt: Math.min(search.sentAt, plain.sentAt),
    forgeSentAt: Math.min(search.forgeSentAt, plain.forgeSentAt),
  };
}

/**
 * Read only now that the listing is there: it may show the run of an attempt that was claimed while it was on its
 * way. Unknown here, that run would be adopted by, or cancelled as the late one of, an attempt that started nothing,
 * and its own job would be started twice.
 */
async function listAttempts(
  { runs, now, lateRunMs, offset, timing }: ResolveDeps,
  where: ListedRepo,
): Promise<Attempt[]> {
  // In this order: one that is given up in between is in both, or in the first, and never in none.
  const live = await runs.listLive(where.forgeId);
  const known = new Set(live.map(({ id }) => id));
  const watched = await runs.listWatched(where.forgeId, now - lateRunMs);
  const guessed = await runs.listGuessed(where.forgeId, now - lateRunMs);
  // What these may have made in the listed time: all that a forge names no run of are among them.
  const reachBackMs = offset.offsetMs + offset.uncertaintyMs + runMadeWithinMs(timing);
  const accepted = await runs.listAcceptedByTime(where.forgeId, where.createdSince - reachBackMs);
  const ended = [...watched, ...guessed, ...accepted].filter(({ id }) => !known.has(id));
  return [...live, ...ended].filter((one) => repoKeyOf(one) === repoKeyOf(where));
}

/** @returns attempts of which something would be concluded from what only a search says */
async function resolveKey(
  deps: ResolveDeps,
  attempts: readonly Attempt[],
  unowned: readonly Run[],
  listed: ListedRuns,
): Promise<Attempt[]> {
  const [first] = attempts;
  if (first === undefined) return [];
  const runs = runsOfKey(first, unowned);
  const elsewhere = elsewhereOf(attempts, listed);
  const namedCommits = await listNamedCommits(deps, attempts, runs);
  const knownIds = await listKnownIds(deps, attempts, [...runs, ...elsewhere], listed);
  const seen = { timing: deps.timing, namedCommits, knownIds, runs, elsewhere };
  const decisions = correlate(searchOf(deps, attempts, { ...seen, listed }));
  const byId = new Map([...runs, ...elsewhere].map((run) => [run.id, run]));
  const ground = { ...seen, byId, attempts, listed };
  const last: string[] = [];
  for (const decision of decisions) {
    const { attemptId } = decision;
    const isLast = listed.evidence === 'search' && isConclusion(decision);
    if (isLast) last.push(attemptId);
    // Until the other listing has been asked, it is one more look that found nothing.
    const kind = listed.isComplete ? 'missing' : 'wait';
    await carryOut(deps, isLast ? { kind, attemptId } : decision, ground);
  }
  const matched = new Set(decisions.flatMap((one) => (one.kind === 'match' ? one.runId : [])));
  const left = runs.filter((run) => !matched.has(run.id));
  await adoptLate(deps, attempts, { ...seen, runs: left });
  return attempts.filter(({ id }) => last.includes(id));
}

function isConclusion({ kind }: Decision): boolean {
  return kind === 'absent' || kind === 'ambiguous' || kind === 'renamed';
}

/** An attempt that has ended takes none of these, and they tell it nothing. */
function elsewhereOf(
  attempts: readonly Attempt[],
  { runs, owned }: ListedRuns,
): (Run & ElsewhereRun)[] {
  const [first] = attempts;
  const ids = attempts.filter(isSearching).map(({ id }) => id);
  if (first === undefined || ids.length === 0) return [];
  return runsElsewhere(first, runs, ids).map((run) => ({ ...run, isOwned: owned.has(run.id) }));
}

interface SeenRuns extends CorrelationView {
  /** Of the key; nobody owns them. */
  readonly runs: readonly Run[];
  readonly knownIds: KnownIds;
}

function searchOf(
  deps: ResolveDeps,
  attempts: readonly Attempt[],
  {
    listed,
    ...seen
  }: SeenRuns & Pick<CorrelationInput, 'elsewhere'> & { readonly listed: ListedRuns },
): CorrelationInput {
  const { forgeSentAt: sentAt, isComplete, createdSince } = listed;
  const searched = (isMeant: (one: Attempt) => boolean) => searchedOf(deps, attempts, isMeant);
  const sought = attempts.filter(isSearching);
  const passedMs = passedSinceDeadlines(deps, sought, listed);
  const readableMs = new Map(sought.map(({ id }) => [id, deps.readableMs(id)]));
  return {
    ...seen,
    attempts: searched(isSearching),
    sending: attempts.filter(({ state }) => state === 'claimed'),
    rivals: searched((one) => isWatched(one) || (isByTime(one) && !hasOwnRun(one))),
    acceptedByTime: searched((one) => isByTime(one) && hasOwnRun(one)),
    listing: { sentAt, isComplete, createdSince, readableMs, passedMs },
  };
}

function passedSinceDeadlines(
  { knownForMs }: ResolveDeps,
  attempts: readonly Attempt[],
  { sentAt, forgeSentAt }: ListedRuns,
): Map<string, number> {
  const passedOf = (one: Attempt): number =>
    passedSinceDeadlineMs(one, { sentAt, forgeSentAt, knownForMs: knownForMs(one.id) });
  return new Map(attempts.map((one) => [one.id, passedOf(one)]));
}

/** Asked for only where it can tell something: attempts that send their id, and runs that bear none. */
async function listNamedCommits(
  { runs: store }: ResolveDeps,
  attempts: readonly Attempt[],
  runs: readonly Run[],
): Promise<ReadonlySet<string>> {
  const senders = attempts.filter(({ correlationInput }) => correlationInput !== null);
  const commits = [...new Set(runs.map(({ headSha }) => headSha).filter((sha) => sha !== ''))];
  if (senders.length === 0 || commits.length === 0) return new Set();
  return store.listNamedCommits(senders, commits);
}

/** This run may be another's. */
function isByTime({ matchedBy }: Pick<Attempt, 'matchedBy'>): boolean {
  return matchedBy === 'order';
}

/** As the forge has said: this one or another. */
function hasOwnRun({ state }: Pick<Attempt, 'state'>): boolean {
  return state === 'accepted';
}

/** Also of attempts that have ended: what bears the id of one was started with a copy of its inputs. */
async function listKnownIds(
  { runs: store }: ResolveDeps,
  attempts: readonly Attempt[],
  runs: readonly Run[],
  { openIds }: ListedRuns,
): Promise<KnownIds> {
  const [open, settled] = [attempts.filter(mayGetRun), attempts.filter((one) => !mayGetRun(one))];
  const known = new Set(attempts.map(({ id }) => id));
  const others = idsInNames(runs).filter((id) => !known.has(id));
  const openElsewhere = others.filter((id) => openIds.has(id));
  const left = others.filter((id) => !openIds.has(id));
  const ended = left.length === 0 ? [] : await store.listAttemptIds(left);
  return {
    open: [...open.map(({ id }) => id), ...openElsewhere],
    settled: [...settled.map(({ id }) => id), ...openElsewhere, ...ended],
  };
}

function mayGetRun(attempt: Attempt): boolean {
  return isSearching(attempt) || isWatched(attempt) || attempt.state === 'claimed';
}

async function adoptLate(
  deps: ResolveDeps,
  attempts: readonly Attempt[],
  seen: SeenRuns,
): Promise<void> {
  const searched = (isMeant: (one: Attempt) => boolean) => searchedOf(deps, attempts, isMeant);
  const late = lateRuns({
    ...seen,
    watched: searched(isWatched),
    searching: searched((one) => isSearching(one) || one.state === 'claimed'),
    guessed: searched(isByTime),
  });
  for (const { attemptId, runId, matchedBy } of late) {
    const run = seen.runs.find(({ id }) => id === runId);
    if (run !== undefined) await deps.runs.adoptLateRun(attemptId, run, matchedBy);
  }
}

function searchedOf(
  deps: ResolveDeps,
  attempts: readonly Attempt[],
  isMeant: (one: Attempt) => boolean,
): SearchedAttempt[] {
  return attempts.filter(isMeant).map((one) => asSearched(deps, one));
}

/** With its times on the forge's clock as it stood at the claim, not by the offset of now: a clock that was stepped since the claim would look for the run where it is not. */
export function asSearched(
  { offset, credentialNow }: Pick<ResolveDeps, 'offset' | 'credentialNow'>,
  attempt: Attempt,
): SearchedAttempt {
  const { forgeClaimedAt: claimedAt, forgeSendDeadline: sendDeadline } = attempt;
  const uncertaintyMs = Math.max(attempt.forgeUncertaintyMs, offset.uncertaintyMs);
  const steppedMs = steppedSince(attempt, offset);
  const { budgetId, actor: actorNow } = credentialNow();
  const isTokenNow = attempt.budgetId === budgetId;
  const { areStampsAhead, areStampsKnown, hadShown: stampedAgainUntil = -Infinity } = offset;
  const stamps = { steppedMs, areStampsAhead, areStampsKnown, stampedAgainUntil };
  return { ...attempt, claimedAt, sendDeadline, uncertaintyMs, ...stamps, actorNow, isTokenNow };
}

interface Ground extends SeenRuns {
  readonly byId: ReadonlyMap<string, Run>;
  readonly attempts: readonly Attempt[];
  readonly listed: ListedRuns;
}

async function carryOut(deps: ResolveDeps, decision: Decision, ground: Ground): Promise<void> {
  const { runs: store } = deps;
  const { attemptId } = decision;
  switch (decision.kind) {
    case 'match': {
      const run = ground.byId.get(decision.runId);
      if (run !== undefined) await store.matchRun(attemptId, run, decision.matchedBy);
      return;
    }
    case 'renamed': {
      const run = ground.byId.get(decision.runId);
      if (run !== undefined) await store.matchRun(attemptId, run, 'input');
      return;
    }
    case 'missing':
      await store.recordMissing(attemptId, ground.listed.forgeSentAt);
      return;
    case 'absent':
      await store.concludeAbsent(attemptId, 'run not found: the forge shows none for it');
      return;
    case 'ambiguous':
      await endAmbiguous(deps, decision, ground);
      return;
    case 'wait':
  }
}

/** Never on a search alone: what the runs show of their workflow a plain listing shows, too. */
async function endAmbiguous(
  deps: ResolveDeps,
  { attemptId, runs }: Extract<Decision, { kind: 'ambiguous' }>,
  { attempts, listed, ...seen }: Ground,
): Promise<void> {
  const attempt = attempts.find(({ id }) => id === attemptId);
  if (attempt === undefined) return;
  const { isComplete } = listed;
  // What was handed the id on shows nothing of this workflow.
  const ofKey = new Set(seen.runs.map(({ id }) => id));
  const input = { ...seen, runs: runs.filter(({ id }) => ofKey.has(id)), isComplete };
  const unnamedRun = findUnnamedRun(asSearched(deps, attempt), input);
  const shown = unnamedRun === undefined ? {} : { unnamedRun };
  await deps.runs.concludeAmbiguous(attemptId, ambiguousMessage(attempt, runs), shown);
}
