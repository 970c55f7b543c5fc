import type { Attempt, MatchedBy } from '../attempt.ts';
import { isAlike } from '../doubt.ts';
import { type KnownIds, matchByName, type NamedRuns } from './by-name.ts';
import {
  type Cluster,
  type CorrelationView,
  clustersOf,
  isForeign,
  mayBeHandedOn,
  mayHaveMade,
  mayHaveMadeAtAll,
  pairsOf,
} from './clusters.ts';
import { type ElsewhereRun, findRenamed } from './elsewhere.ts';
import {
  type CandidateRun,
  earliestOf,
  madeLateMs,
  maybeSameActor,
  runMayBeMadeWithinMs,
  type SearchedAttempt,
} from './window.ts';

/** One key: repository, workflow, ref, actor. All moments are on the forge's clock. */
export interface CorrelationInput extends CorrelationView {
  /** Attempts that need a run: `unknown`, or `accepted` by a reply that named none. */
  readonly attempts: readonly SearchedAttempt[];
  /** Attempts of the key that are still being sent: one of the runs may be theirs, and their reply will say so. */
  readonly sending: readonly Pick<Attempt, 'id' | 'isNamed' | 'correlationInput'>[];
  /**
   * Those that look for none any more, and may have made one of these all the same: given up, or given one by its time alone
   * after a lost answer, which may be another's.
   */
  readonly rivals: readonly SearchedAttempt[];
  /** Those that were given one by its time after an answer that named none: each has made one, this or another. */
  readonly acceptedByTime: readonly SearchedAttempt[];
  /** A run that bears the name of an attempt is no other's. */
  readonly knownIds: KnownIds;
  /** Runs of the key that no attempt owns, from one listing. */
  readonly runs: readonly CandidateRun[];
  /** From the same listing. */
  readonly elsewhere: readonly ElsewhereRun[];
  readonly listing: {
    readonly sentAt: number;
    readonly isComplete: boolean;
    /** It shows no runs that are older. */
    readonly createdSince: number;
    /** By the id of each of the attempts: how long its repository could be listed while it was looked for. */
    readonly readableMs: ReadonlyMap<string, number>;
    /** By the id of each of the attempts: how long its send deadline had surely passed when the listing left (`passedSinceDeadlineMs`). */
    readonly passedMs: ReadonlyMap<string, number>;
  };
}

/**
 * - `match`: the run is this attempt's
 * - `missing`: this listing, sent after the last possible send, shows no run that is surely its own: to be recorded
 * - `renamed`: as `absent`, but for this run of another file or branch, which bears its id and can only be its own
 * - `absent`: it started nothing, as far as anybody can tell. Of an `accepted` attempt it means that its run is lost:
 *   it did start one, so it must never be sent again
 * - `ambiguous`: one of these runs may be its own, or one that is not shown: it must never be sent again
 * - `wait`: nothing can be said yet
 */
export type Decision =
  | {
      readonly kind: 'match';
      readonly attemptId: string;
      readonly runId: string;
      readonly matchedBy: Exclude<MatchedBy, 'reply'>;
    }
  | { readonly kind: 'renamed'; readonly attemptId: string; readonly runId: string }
  | {
      readonly kind: 'ambiguous';
      readonly attemptId: string;
      readonly runs: readonly CandidateRun[];
    }
  | { readonly kind: 'missing' | 'absent' | 'wait'; readonly attemptId: string };

/**
 * Decides for each attempt that needs a run, whatever the order of the lists. Adopting another's run is worse
 * than waiting (its job would show and cancel the wrong run), and calling an attempt absent too early is worst (its
 * job would be started twice).
 */
export function correlate(input: CorrelationInput): Decision[] {
  // What another account started is a copy, and what may have been handed the id on may be one.
  const named = matchByName(
    input.attempts,
    input.runs,
    input.knownIds,
    (attempt, run, before) =>
      maybeSameActor(attempt, run) && !mayBeHandedOn(attempt, run, before, input),
  );
  const attempts = input.attempts.filter(({ id }) => !named.byAttempt.has(id));
  const decisions: Decision[] = [...named.byAttempt].map(([attemptId, runId]) => {
    return { kind: 'match', attemptId, runId, matchedBy: 'input' };
  });
  // One that sent its id, too: until a run has borne it, nobody knows whether its own does.
  const rivals = [...input.rivals, ...attempts];
  for (const cluster of clustersOf(attempts, named.unnamed, input)) {
    decisions.push(...decideCluster(cluster, input, rivals));
  }
  const byAttempt = new Map(decisions.map((decision) => [decision.attemptId, decision]));
  const taken = new Set(decisions.map((one) => (one.kind === 'match' ? one.runId : '')));
  const left = [...named.unnamed, ...named.copies].filter(({ id }) => !taken.has(id));
  return input.attempts.flatMap((attempt) => {
    const decision = byAttempt.get(attempt.id);
    return decision === undefined ? [] : sureOf(decision, attempt, { ...named, left }, input);
  });
}

/**
 * A run made later than it would be taken for its own may be its own all the same, and one elsewhere that bears its id may have been
 * started by it: it did not start nothing.
 */
function sureOf(
  decision: Decision,
  attempt: SearchedAttempt,
  { left, unnamed }: Pick<NamedRuns, 'unnamed'> & { readonly left: readonly CandidateRun[] },
  input: CorrelationInput,
): Decision {
  const { id: attemptId } = attempt;
  const bears = ({ name }: CandidateRun): boolean => name.includes(attemptId);
  const bearing = input.elsewhere.filter(bears);
  if (decision.kind === 'ambiguous') return { ...decision, runs: [...decision.runs, ...bearing] };
  if (decision.kind !== 'absent') return decision;
  const runs = left.filter((run) => bears(run) || mayHaveMadeAtAll(attempt, run, input));
  if (runs.length === 0) {
    if (bearing.length === 0) return decision;
    const renamed = findRenamed(attempt, { ...input, bearing, nameless: unnamed });
    if (renamed !== undefined) return { kind: 'renamed', attemptId, runId: renamed.id };
  }
  return { kind: 'ambiguous', attemptId, runs: [...runs, ...bearing] };
}

const NO_PAIRS: ReadonlyMap<SearchedAttempt, CandidateRun> = new Map();

function decideCluster(
  cluster: Cluster,
  input: CorrelationInput,
  rivals: readonly SearchedAttempt[],
): Decision[] {
  const { attempts, runs } = cluster;
  const {
    listing,
    timing: { requestTimeoutMs },
    sending,
  } = input;
  const wait = attempts.map(({ id }): Decision => ({ kind: 'wait', attemptId: id }));
  // A run that the listing does not show may exist: counting proves nothing.
  const isReached = (one: SearchedAttempt): boolean => earliestOf(one) >= listing.createdSince;
  // It may have been asked for the sake of younger attempts.
  if (!attempts.every(isReached)) return wait;
  if (!listing.isComplete) return attempts.map((one) => unlisted(one, runs, input));
  if (sending.some((one) => runs.some((run) => !isForeign(one, run, input)))) return wait;
  if (attempts.some((one) => isCancelEarly(one, input))) return wait;
  const pairs = isInterchangeable(attempts)
    ? pairsOf(attempts, runs, { ...input, rivals })
    : NO_PAIRS;
  const areAllPaired = pairs.size === runs.length;
  const isExact = areAllPaired && runs.length === attempts.length;
  const areAllListed = attempts.every(({ claimedAt }) => listing.sentAt >= claimedAt);
  const isOver = attempts.every(
    (one) => passedMs(one, input) > requestTimeoutMs + one.uncertaintyMs,
  );
  if (!isOver && !(isExact && areAllListed)) return wait;
  return attempts.map((one): Decision => {
    const run = areAllPaired ? pairs.get(one) : undefined;
    const left = areAllPaired ? [] : runs.filter((each) => mayHaveMade(one, each, input));
    if (run === undefined) return withoutRun(one, left, input);
    return { kind: 'match', attemptId: one.id, runId: run.id, matchedBy: 'order' };
  });
}

/**
 * An incomplete listing is asked for again after so many times `recheckAfterMs`; then it is all that there will be. So long its
 * repository has been readable, too: of a job that was sent before an outage the first that comes would be the last.
 */
export const INCOMPLETE_RECHECKS = 10;

/** What is not shown may exist. But a job must not wait for ever for a forge that cannot show all its runs. */
function unlisted(
  attempt: SearchedAttempt,
  runs: readonly CandidateRun[],
  input: CorrelationInput,
): Decision {
  const { timing, listing } = input;
  const { requestTimeoutMs, runLookupTimeoutMs, recheckAfterMs } = timing;
  const patienceMs = INCOMPLETE_RECHECKS * recheckAfterMs;
  const isLongAgo = passedMs(attempt, input) >= requestTimeoutMs + runLookupTimeoutMs + patienceMs;
  const { id: attemptId } = attempt;
  const readableMs = listing.readableMs.get(attemptId) ?? 0;
  if (!isLongAgo || readableMs < patienceMs) return { kind: 'wait', attemptId };
  return { kind: 'ambiguous', attemptId, runs };
}

function isInterchangeable(attempts: readonly SearchedAttempt[]): boolean {
  const [first] = attempts;
  return attempts.every((one) => !one.isNamed && first !== undefined && isAlike(one, first));
}

/** Its run would be cancelled at once: it is taken by its time only when no more can be made that could be its own. */
function isCancelEarly(attempt: SearchedAttempt, input: CorrelationInput): boolean {
  const { state, cancelWantedAt, isNamed, uncertaintyMs } = attempt;
  if (state !== 'unknown' || cancelWantedAt === null || isNamed) return false;
  const { timing } = input;
  const mayBeMadeMs = timing.requestTimeoutMs + madeLateMs(timing);
  return passedMs(attempt, input) <= mayBeMadeMs + uncertaintyMs;
}

/** @param runs that may be its own, or another's */
function withoutRun(
  attempt: SearchedAttempt,
  runs: readonly CandidateRun[],
  input: CorrelationInput,
): Decision {
  const { listing, timing } = input;
  const { id: attemptId, missingSince, uncertaintyMs } = attempt;
  // By when the listing left: what was made after that it cannot show. Absent, it lets those with other inputs be sent: what is made
  // from now on bears a later stamp than any that may be its own. Uncertain are that stamp and the moment that is compared.
  const isLongAgo = passedMs(attempt, input) > runMayBeMadeWithinMs(timing) + 2 * uncertaintyMs;
  const isSecond = missingSince !== null && listing.sentAt - missingSince >= timing.recheckAfterMs;
  if (!isLongAgo || !isSecond) return { kind: 'missing', attemptId };
  return runs.length > 0 ? { kind: 'ambiguous', attemptId, runs } : { kind: 'absent', attemptId };
}

/** None that was left out is old enough for anything. */
function passedMs({ id }: SearchedAttempt, { listing }: CorrelationInput): number {
  return listing.passedMs.get(id) ?? -Infinity;
}
