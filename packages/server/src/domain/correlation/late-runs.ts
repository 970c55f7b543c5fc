import type { MatchedBy } from '../attempt.ts';
import { matchByName } from './by-name.ts';
import { clustersOf, mayHaveMadeLater, pairsOf, type Sight } from './clusters.ts';
import {
  type CandidateRun,
  type CorrelationTiming,
  lastSendOf,
  type SearchedAttempt,
} from './window.ts';

export interface LateRun {
  readonly attemptId: string;
  readonly runId: string;
  readonly matchedBy: Exclude<MatchedBy, 'reply'>;
}

export interface LateRunInput extends Sight {
  /** Attempts that were given up, still watched. */
  readonly watched: readonly SearchedAttempt[];
  /** Of them those since whose claim the forge's clock was put forward or back: what was made when cannot be told. */
  readonly stepped: ReadonlySet<string>;
  /** All attempts of the key that still need a run or are being sent: what could be theirs is left to them. */
  readonly searching: readonly SearchedAttempt[];
  /** Those that have their run by its time only: it may be another's, and what was made in their window theirs. */
  readonly guessed: readonly SearchedAttempt[];
  /** Of all attempts of the key that are known: a run that bears the name of one is no other's. */
  readonly knownIds: readonly string[];
  /** Runs of the key that no attempt owns. */
  readonly runs: readonly CandidateRun[];
}

/**
 * Runs that turned up for attempts already given up. Anything somebody else made at that time was in the
 * listings that made us do so: what appears in their window afterwards is theirs. Not so where runs that may be
 * another's were what made us give up: those are known by name only.
 */
export function lateRuns(input: LateRunInput): LateRun[] {
  const { watched, stepped, searching, guessed, knownIds, runs } = input;
  const named = matchByName(watched, runs, knownIds);
  const late: LateRun[] = [...named.byAttempt].map(([attemptId, runId]) => {
    return { attemptId, runId, matchedBy: 'input' };
  });
  const rest = watched.filter(({ id }) => !named.byAttempt.has(id));
  const isUnsure = ({ id, state }: SearchedAttempt): boolean =>
    state === 'ambiguous' || stepped.has(id);
  const byTime = rest.filter((one) => !isUnsure(one) && !one.isNamed);
  const others = [...searching, ...guessed, ...rest.filter(isUnsure)];
  const nobodys = named.unnamed.filter(
    (run) => !others.some((one) => mayHaveMadeLater(one, run, input)),
  );
  for (const cluster of clustersOf(byTime, nobodys, input, mayHaveMadeLater)) {
    // Made when an attempt may have been concluded already, it can be anybody's: it would be cancelled.
    for (const [attempt, run] of pairsOf(cluster.attempts, cluster.runs, input, isBeforeEnd)) {
      late.push({ attemptId: attempt.id, runId: run.id, matchedBy: 'order' });
    }
  }
  return late;
}

function isBeforeEnd(
  attempt: SearchedAttempt,
  { createdAt }: Pick<CandidateRun, 'createdAt'>,
  timing: CorrelationTiming,
): boolean {
  return createdAt <= lastSendOf(attempt, timing) + timing.runLookupTimeoutMs;
}
