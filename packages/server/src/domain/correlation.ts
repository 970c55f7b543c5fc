import type { Attempt, MatchedBy, Run } from './attempt.ts';
import { pairInOrder } from './correlation/pair-in-order.ts';
import { compareText } from './text-order.ts';

/** Runs are matched by time only this close to the time their dispatch could have left: clocks differ, listings lag. */
const WINDOW_SLACK_MS = 60_000;

export type SearchedAttempt = Pick<
  Attempt,
  'id' | 'state' | 'actor' | 'claimedAt' | 'sendDeadline' | 'missingSince'
>;

export type CandidateRun = Pick<Run, 'id' | 'name' | 'actor' | 'createdAt'>;

export interface CorrelationTiming {
  readonly requestTimeoutMs: number;
  /** After the last possible send, before an attempt may be called absent. */
  readonly runLookupTimeoutMs: number;
  /** The two listings without a candidate are at least this far apart. */
  readonly recheckAfterMs: number;
  /** How far apart the forge's clock and the one that timed the attempts may be. */
  readonly uncertaintyMs: number;
}

/** One key: repository, workflow, ref, actor. All times are on the forge's clock. */
export interface CorrelationInput {
  /** Attempts that need a run: `unknown`, or `accepted` by a reply that named none. */
  readonly attempts: readonly SearchedAttempt[];
  /** Attempts of the key that are still being sent: one of the runs may be theirs, and their reply will say so. */
  readonly sending: readonly Pick<Attempt, 'id'>[];
  /** Of all attempts of the key that are known: a run that bears the name of one is no other's. */
  readonly knownIds: readonly string[];
  /** Runs of the key that no attempt owns, from one listing. */
  readonly runs: readonly CandidateRun[];
  readonly listing: {
    readonly sentAt: number;
    readonly isComplete: boolean;
    /** It shows no runs that are older. */
    readonly createdSince: number;
  };
  readonly timing: CorrelationTiming;
  readonly now: number;
}

/**
 * - `match`: the run is this attempt's
 * - `missing`: this listing, sent after the last possible send, shows no run for it: to be recorded
 * - `absent`: it started nothing, as far as anybody can tell. Of an `accepted` attempt it means that its run is lost:
 *   it did start one, so it must never be sent again
 * - `wait`: nothing can be said yet
 */
export type Decision =
  | {
      readonly kind: 'match';
      readonly attemptId: string;
      readonly runId: string;
      readonly matchedBy: Exclude<MatchedBy, 'reply'>;
    }
  | { readonly kind: 'missing' | 'absent' | 'wait'; readonly attemptId: string };

/**
 * Decides for each attempt that needs a run, whatever the order of the lists. Adopting another's run is worse
 * than waiting (its job would show and cancel the wrong run), and calling an attempt absent too early is worst (its
 * job would be started twice).
 */
export function correlate(input: CorrelationInput): Decision[] {
  const named = matchByName(input);
  const attempts = input.attempts.filter(({ id }) => !named.byAttempt.has(id));
  const decisions: Decision[] = [...named.byAttempt].map(([attemptId, runId]) => {
    return { kind: 'match', attemptId, runId, matchedBy: 'input' };
  });
  for (const cluster of clustersOf(attempts, named.unnamed, input.timing)) {
    decisions.push(...decideCluster(cluster, input));
  }
  const order = new Map(decisions.map((decision) => [decision.attemptId, decision]));
  return input.attempts.flatMap(({ id }) => order.get(id) ?? []);
}

export interface LateRun {
  readonly attemptId: string;
  readonly runId: string;
  readonly matchedBy: Exclude<MatchedBy, 'reply'>;
}

export interface LateRunInput {
  /** Attempts that were given up, still watched. */
  readonly watched: readonly SearchedAttempt[];
  /** All attempts of the key that still need a run or are being sent: what could be theirs is left to them. */
  readonly searching: readonly SearchedAttempt[];
  /** Those that have their run by its time only: it may be another's, and what was made after their claim theirs. */
  readonly guessed: readonly SearchedAttempt[];
  readonly knownIds: CorrelationInput['knownIds'];
  /** Runs of the key that no attempt owns. */
  readonly runs: readonly CandidateRun[];
  readonly timing: CorrelationTiming;
}

/**
 * Runs that turned up for attempts already given up. Anything somebody else made at that time was in the
 * listings that made us do so: what appears in their window afterwards is theirs.
 */
export function lateRuns(input: LateRunInput): LateRun[] {
  const { watched, searching, guessed, knownIds, runs, timing } = input;
  const named = matchByName({ attempts: watched, knownIds, runs });
  const rest = watched.filter(({ id }) => !named.byAttempt.has(id));
  const late: LateRun[] = [...named.byAttempt].map(([attemptId, runId]) => {
    return { attemptId, runId, matchedBy: 'input' };
  });
  const nobodys = named.unnamed.filter(
    (run) =>
      !searching.some((one) => isCandidate(one, run, timing)) &&
      !guessed.some((one) => isCandidate(one, run, timing) && isSince(one, run, timing)),
  );
  for (const cluster of clustersOf(rest, nobodys, timing)) {
    for (const [attempt, run] of pairsOf(cluster.attempts, ownRuns(cluster, timing), timing)) {
      // Made when this attempt may have been concluded already, it can be anybody's: it would be cancelled.
      if (run.createdAt > lastSendOf(attempt, timing) + timing.runLookupTimeoutMs) continue;
      late.push({ attemptId: attempt.id, runId: run.id, matchedBy: 'order' });
    }
  }
  return late;
}

/** With more runs than attempts somebody else's are among them: those that were made before the first claim. */
function ownRuns({ attempts, runs }: Cluster, timing: CorrelationTiming): CandidateRun[] {
  if (runs.length <= attempts.length) return runs;
  return runs.filter((run) => attempts.some((one) => isSince(one, run, timing)));
}

/** Made after the claim, as surely as two clocks and creation times in whole seconds can tell. */
function isSince(
  { claimedAt }: SearchedAttempt,
  { createdAt }: CandidateRun,
  { uncertaintyMs }: CorrelationTiming,
): boolean {
  return createdAt >= claimedAt - uncertaintyMs - 1_000;
}

/** Ids are random enough that a run with one in its name has it from us, whenever it was made. */
function matchByName({
  attempts,
  knownIds,
  runs,
}: Pick<CorrelationInput, 'attempts' | 'knownIds' | 'runs'>) {
  const byAttempt = new Map<string, string>();
  const unnamed: CandidateRun[] = [];
  const wanted = new Set(attempts.map(({ id }) => id));
  const ids = [...new Set([...wanted, ...knownIds])].sort();
  for (const run of runs.toSorted(compareRuns)) {
    const id = ids.find((one) => run.name.includes(one));
    // A second run of that name was started by somebody with a copy of the inputs: nobody's to adopt.
    if (id === undefined) unnamed.push(run);
    else if (wanted.has(id) && !byAttempt.has(id)) byAttempt.set(id, run.id);
  }
  return { byAttempt, unnamed };
}

/** Attempts and runs that could belong together, directly or through others. */
interface Cluster {
  readonly attempts: SearchedAttempt[];
  readonly runs: CandidateRun[];
}

function clustersOf(
  attempts: readonly SearchedAttempt[],
  runs: readonly CandidateRun[],
  timing: CorrelationTiming,
): Cluster[] {
  let clusters: Cluster[] = attempts.map((attempt) => ({ attempts: [attempt], runs: [] }));
  for (const run of runs) {
    const mayOwn = ({ attempts: some }: Cluster) =>
      some.some((one) => isCandidate(one, run, timing));
    const joined = clusters.filter(mayOwn);
    if (joined.length === 0) continue;
    const merged = {
      attempts: joined.flatMap((cluster) => cluster.attempts),
      runs: [...joined.flatMap((cluster) => cluster.runs), run],
    };
    clusters = [...clusters.filter((cluster) => !joined.includes(cluster)), merged];
  }
  return clusters;
}

function windowOf(attempt: SearchedAttempt, timing: CorrelationTiming) {
  const slackMs = timing.uncertaintyMs + WINDOW_SLACK_MS;
  return { from: attempt.claimedAt - slackMs, to: lastSendOf(attempt, timing) + slackMs };
}

/** After this the forge can no longer be working on its request. */
function lastSendOf(attempt: SearchedAttempt, timing: CorrelationTiming): number {
  return attempt.sendDeadline + timing.requestTimeoutMs;
}

/** Logins compare without case; `''` = not known. */
function isCandidate(
  attempt: SearchedAttempt,
  run: CandidateRun,
  timing: CorrelationTiming,
): boolean {
  const { from, to } = windowOf(attempt, timing);
  const isSameActor =
    attempt.actor === '' ||
    run.actor === '' ||
    attempt.actor.toLowerCase() === run.actor.toLowerCase();
  return isSameActor && run.createdAt >= from && run.createdAt <= to;
}

function decideCluster(cluster: Cluster, input: CorrelationInput): Decision[] {
  const { attempts, runs } = cluster;
  const { listing, timing, sending } = input;
  const wait = attempts.map(({ id }): Decision => ({ kind: 'wait', attemptId: id }));
  // A run that the listing does not show may exist: counting tells nothing.
  if (!listing.isComplete || !attempts.every((one) => isReached(one, listing))) return wait;
  if (runs.length > 0 && sending.length > 0) return wait;
  const isOver = attempts.every(
    (one) => listing.sentAt > lastSendOf(one, timing) + timing.uncertaintyMs,
  );
  const areAllListed = attempts.every(({ claimedAt }) => listing.sentAt >= claimedAt);
  const pairs = pairsOf(attempts, runs, timing);
  const isExact = runs.length === attempts.length && pairs.size === runs.length;
  if (!isOver && !(isExact && areAllListed)) return wait;
  return attempts.map((one) => {
    const run = pairs.get(one);
    if (run === undefined) return withoutRun(one, input);
    return { kind: 'match', attemptId: one.id, runId: run.id, matchedBy: 'order' };
  });
}

/** It may have been asked for the sake of younger attempts. */
function isReached(
  { claimedAt }: SearchedAttempt,
  { createdSince }: CorrelationInput['listing'],
): boolean {
  return claimedAt - WINDOW_SLACK_MS >= createdSince;
}

function withoutRun(
  attempt: SearchedAttempt,
  { listing, timing, now }: CorrelationInput,
): Decision {
  const { missingSince } = attempt;
  const isLongAgo = now >= lastSendOf(attempt, timing) + timing.runLookupTimeoutMs;
  const isSecond = missingSince !== null && listing.sentAt - missingSince >= timing.recheckAfterMs;
  return { kind: isLongAgo && isSecond ? 'absent' : 'missing', attemptId: attempt.id };
}

function pairsOf(
  attempts: readonly SearchedAttempt[],
  runs: readonly CandidateRun[],
  timing: CorrelationTiming,
): Map<SearchedAttempt, CandidateRun> {
  const senders = attempts.toSorted((a, b) => a.claimedAt - b.claimedAt || compareText(a.id, b.id));
  const made = runs.toSorted(compareRuns);
  return new Map(
    pairInOrder(senders, made, {
      mayPair: (attempt, run) => isCandidate(attempt, run, timing),
      // The forge has said that this one has a run.
      isSure: ({ state }) => state === 'accepted',
      distance: (attempt, run) => Math.abs(run.createdAt - attempt.claimedAt),
    }),
  );
}

/** Run ids grow with time, also within the one second that creation times are told in. */
function compareRuns(a: CandidateRun, b: CandidateRun): number {
  return a.createdAt - b.createdAt || a.id.length - b.id.length || compareText(a.id, b.id);
}
