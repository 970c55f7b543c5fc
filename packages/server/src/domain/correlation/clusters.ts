import { isNameFinal } from '../attempt.ts';
import { isAlike } from '../doubt.ts';
import { isOfSureKey } from '../run-keys.ts';
import { compareText } from '../text-order.ts';
import { compareRuns } from './by-name.ts';
import { pairInOrder } from './pair-in-order.ts';
import {
  type CandidateRun,
  type CorrelationTiming,
  isMadeInTime,
  isSameActor,
  mayBeMadeInTime,
  mayBeMadeLater,
  mayBeStampedOff,
  maybeSameActor,
  type SearchedAttempt,
} from './window.ts';

/** Attempts and runs that could belong together, directly or through others. */
export interface Cluster {
  readonly attempts: SearchedAttempt[];
  readonly runs: CandidateRun[];
}

export interface CorrelationView {
  readonly timing: CorrelationTiming;
  /** Inputs and commits, as `namedAt` writes them, with which a run known by its reply bore its attempt's id, and none lacked it. */
  readonly namedCommits: ReadonlySet<string>;
}

export function namedAt(correlationInput: string, headSha: string): string {
  return JSON.stringify([correlationInput, headSha]);
}

/** At this commit a run of an attempt that sends its id in this input would bear it: this one is somebody else's. */
export function isForeign(
  { isNamed, correlationInput }: Pick<SearchedAttempt, 'isNamed' | 'correlationInput'>,
  run: CandidateRun,
  { namedCommits }: Pick<CorrelationView, 'namedCommits'>,
): boolean {
  if (!isNamed || correlationInput === null || !isNameFinal(run)) return false;
  return namedCommits.has(namedAt(correlationInput, run.headSha));
}

/** Whenever it was made. */
function mayBeOfSender(
  attempt: SearchedAttempt,
  run: CandidateRun,
  view: CorrelationView,
): boolean {
  return maybeSameActor(attempt, run) && !isForeign(attempt, run, view);
}

/** Whether it cannot be ruled out that this attempt made this run, which bears no attempt's id. */
export function mayHaveMade(
  attempt: SearchedAttempt,
  run: CandidateRun,
  view: CorrelationView,
): boolean {
  return mayBeMadeInTime(attempt, run, view.timing) && mayBeOfSender(attempt, run, view);
}

/** As `mayHaveMade`, or later: as late as it is looked for. Not taken by its time any more, it still was not nothing. */
export function mayHaveMadeLater(
  attempt: SearchedAttempt,
  run: CandidateRun,
  view: CorrelationView,
): boolean {
  return mayBeMadeLater(attempt, run, view.timing) && mayBeOfSender(attempt, run, view);
}

/** As `mayHaveMadeLater`, also by a stamp that is off as long as it may be. */
export function mayHaveMadeAtAll(
  attempt: SearchedAttempt,
  run: CandidateRun,
  view: CorrelationView,
): boolean {
  return mayBeStampedOff(attempt, run, view.timing) && mayBeOfSender(attempt, run, view);
}

/** A run that was handed an id was asked for by a step of the one before, on a runner: never within so short a time. */
const HANDED_ON_AFTER_MS = 1_000;

/**
 * One of these, which bear no id, may be the attempt's own and have handed its id on to this run: a workflow that starts itself again,
 * and shows in its name only what started it. Less than a moment before it, it is only somebody else's of the same time.
 */
export function mayBeHandedOn(
  attempt: SearchedAttempt,
  run: CandidateRun,
  unnamedBefore: readonly CandidateRun[],
  view: CorrelationView,
): boolean {
  return unnamedBefore.some(
    (one) =>
      one.createdAt + HANDED_ON_AFTER_MS <= run.createdAt && mayHaveMadeLater(attempt, one, view),
  );
}

export function clustersOf(
  attempts: readonly SearchedAttempt[],
  runs: readonly CandidateRun[],
  view: CorrelationView,
  mayBelong: typeof mayHaveMade = mayHaveMade,
): Cluster[] {
  let clusters: Cluster[] = attempts.map((attempt) => ({ attempts: [attempt], runs: [] }));
  for (const run of runs) {
    const mayOwn = ({ attempts: some }: Cluster) => some.some((one) => mayBelong(one, run, view));
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

export interface PairsInput extends CorrelationView {
  /** What else may have made a run: by its time it is nobody's then, unless whose it is makes no difference. */
  readonly rivals: readonly SearchedAttempt[];
  /**
   * The forge has said that these have a run, and the one that they were given by its time may be another's: theirs may be
   * what an attempt finds whose answer was lost.
   */
  readonly acceptedByTime?: readonly SearchedAttempt[];
}

/** In time order. By its time alone none goes to an attempt that is known by its name. */
export function pairsOf(
  attempts: readonly SearchedAttempt[],
  runs: readonly CandidateRun[],
  view: PairsInput,
  isInTime: typeof isMadeInTime = isMadeInTime,
): Map<SearchedAttempt, CandidateRun> {
  const senders = attempts.toSorted((a, b) => a.claimedAt - b.claimedAt || compareText(a.id, b.id));
  const made = runs.toSorted(compareRuns);
  return new Map(
    pairInOrder(senders, made, {
      mayPair: (attempt, run) =>
        !attempt.isNamed &&
        isOfSureKey(run) &&
        isSameActor(attempt, run) &&
        mayHaveMadeLater(attempt, run, view) &&
        isInTime(attempt, run, view.timing) &&
        !isContested(attempt, run, view),
      // The forge has said that this one has a run.
      isSure: ({ state }) => state === 'accepted',
      // It would be cancelled: and were it another's, that one would be started again.
      isWanted: ({ cancelWantedAt }) => cancelWantedAt === null,
      distance: (attempt, run) => Math.abs(run.createdAt - attempt.claimedAt),
    }),
  );
}

function isContested(attempt: SearchedAttempt, run: CandidateRun, view: PairsInput): boolean {
  const { rivals, acceptedByTime = [] } = view;
  if (rivals.some((one) => !isAlike(one, attempt) && mayHaveMadeLater(one, run, view))) return true;
  if (attempt.state !== 'unknown') return false;
  return acceptedByTime.some((one) => !isAlike(one, attempt) && mayHaveMade(one, run, view));
}
