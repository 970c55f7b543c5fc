import type { MatchedBy } from '../attempt.ts';
import { type KnownIds, matchByName } from './by-name.ts';
import {
  type CorrelationView,
  clustersOf,
  mayBeHandedOn,
  mayHaveMadeLater,
  pairsOf,
} from './clusters.ts';
import {
  type CandidateRun,
  type CorrelationTiming,
  isMadeSinceClaim,
  isSameActor,
  lastSendOf,
  madeLateMs,
  type SearchedAttempt,
} from './window.ts';

export interface LateRun {
  readonly attemptId: string;
  readonly runId: string;
  readonly matchedBy: Exclude<MatchedBy, 'reply'>;
}

export interface LateRunInput extends CorrelationView {
  /** Attempts that were given up, still watched. */
  readonly watched: readonly SearchedAttempt[];
  /** All attempts of the key that still need a run or are being sent: what could be theirs is left to them. */
  readonly searching: readonly SearchedAttempt[];
  /** Those that have their run by its time only: it may be another's, and what was made in their window theirs. */
  readonly guessed: readonly SearchedAttempt[];
  /** A run that bears the name of an attempt is no other's. */
  readonly knownIds: KnownIds;
  /** Runs of the key that no attempt owns: one of another file or branch is never ended, whatever id it bears. */
  readonly runs: readonly CandidateRun[];
}

/**
 * Runs that turned up for attempts already given up. Anything somebody else made at that time was in the
 * listings that made us do so: what appears in their window afterwards is theirs. Not so where runs that may be
 * another's were what made us give up: those are known by name only.
 */
export function lateRuns(input: LateRunInput): LateRun[] {
  const { watched, searching, guessed, knownIds, runs } = input;
  const named = matchByName(
    watched,
    runs,
    knownIds,
    (attempt, run, before) =>
      mayBeOfAccount(attempt, run) && !mayBeHandedOn(attempt, run, before, input),
  );
  const late: LateRun[] = [...named.byAttempt].map(([attemptId, runId]) => {
    return { attemptId, runId, matchedBy: 'input' };
  });
  const rest = watched.filter(({ id }) => !named.byAttempt.has(id));
  // Once a clock was stepped nobody can tell what was made when.
  const isUnsure = ({ state, steppedMs }: SearchedAttempt): boolean =>
    state === 'ambiguous' || steppedMs !== 0;
  const byTime = rest.filter((one) => !isUnsure(one) && !one.isNamed);
  const others = [...searching, ...guessed, ...rest.filter(isUnsure)];
  const nobodys = named.unnamed.filter(
    (run) => !others.some((one) => mayHaveMadeLater(one, run, input)),
  );
  for (const cluster of clustersOf(byTime, nobodys, input, mayHaveMadeLater)) {
    // Made when an attempt may have been concluded already, it can be anybody's: it would be cancelled.
    // Of those that were given up it does not matter whose it is.
    const how = { ...input, rivals: [] };
    for (const [attempt, run] of pairsOf(cluster.attempts, cluster.runs, how, isBeforeEnd)) {
      late.push({ attemptId: attempt.id, runId: run.id, matchedBy: 'order' });
    }
  }
  return late;
}

/** Somebody else who started it with a copy of the inputs, or was handed the id on, goes on with it. */
function mayBeOfAccount(attempt: SearchedAttempt, run: CandidateRun): boolean {
  return run.actor === '' || isSameActor(attempt, run);
}

function isBeforeEnd(
  attempt: SearchedAttempt,
  run: Pick<CandidateRun, 'createdAt'>,
  timing: CorrelationTiming,
): boolean {
  // Less what a run may take to be listed: what the last listing did not show yet can be anybody's as well.
  const until = lastSendOf(attempt, timing) + timing.runLookupTimeoutMs - madeLateMs(timing);
  return run.createdAt <= until && isMadeSinceClaim(attempt, run);
}
