import { isNameFinal } from '../attempt.ts';
import { isOfSureKey } from '../run-keys.ts';
import { idsInNames, type KnownIds } from './by-name.ts';
import {
  type CandidateRun,
  type CorrelationTiming,
  isMadeInTime,
  isSameActor,
  type SearchedAttempt,
} from './window.ts';

export interface UnnamedRunInput {
  readonly timing: CorrelationTiming;
  readonly knownIds: KnownIds;
  /** All that may be the attempt's own, when it is given up as ambiguous. */
  readonly runs: readonly CandidateRun[];
  /** The plain listing is. */
  readonly isComplete: boolean;
}

/**
 * What shows, on a forge that names no run, that runs of a workflow do not bear the id they are sent: the forge has said that it
 * started one for this attempt, the plain listing is whole, and whichever of these it is has no id in a name that is
 * worked out. Should its own not be among them after all, the names were given up for nothing: jobs of that workflow wait
 * for each other until a run of another commit bears its id.
 *
 * @returns one that would have been taken for its own by its time; `undefined`: nothing is shown
 */
export function findUnnamedRun(
  attempt: SearchedAttempt,
  { timing, knownIds, runs, isComplete }: UnnamedRunInput,
): CandidateRun | undefined {
  // Where the answer was lost there may be no run at all, and what is seen is somebody else's.
  if (attempt.state !== 'accepted' || !attempt.isNamed || !isComplete) return undefined;
  if (!runs.every(isNameFinal)) return undefined;
  const { open, settled } = knownIds;
  // A copy bears the id of another: this workflow shows what it is sent.
  if (idsInNames(runs).some((id) => open.includes(id) || settled.includes(id))) return undefined;
  return runs.find(
    (run) => isOfSureKey(run) && isSameActor(attempt, run) && isMadeInTime(attempt, run, timing),
  );
}
