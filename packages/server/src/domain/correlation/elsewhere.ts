import type { KnownIds } from './by-name.ts';
import {
  type CandidateRun,
  type CorrelationTiming,
  isMadeInTime,
  isSameActor,
  mayBeMadeLater,
  maybeSameActor,
  type SearchedAttempt,
} from './window.ts';

/** One of another file or branch than the attempts' that bears the id of one of them. */
export interface ElsewhereRun extends CandidateRun {
  /** By another attempt: it still shows that the one whose id it bears has started something. */
  readonly isOwned: boolean;
}

export interface ElsewhereView {
  readonly timing: CorrelationTiming;
  readonly knownIds: KnownIds;
  /** Of all those elsewhere that bear the attempt's id. */
  readonly bearing: readonly ElsewhereRun[];
  /** Of the attempt's key, without an id: each may have handed the attempt's id on. */
  readonly nameless: readonly CandidateRun[];
}

/**
 * The attempt's own run, where it cannot be one that was handed the id on: its workflow or branch was renamed while it was looked for.
 * To be asked only of an attempt that would be called absent: until then its own run may yet be listed.
 */
export function findRenamed(
  attempt: SearchedAttempt,
  { timing, knownIds, bearing, nameless }: ElsewhereView,
): ElsewhereRun | undefined {
  const [run, ...others] = bearing;
  if (run === undefined || others.length > 0) return undefined;
  // Its own would not bear the id.
  if (run.isOwned || !attempt.isNamed) return undefined;
  if (!isMadeInTime(attempt, run, timing) || !isOfAccount(attempt, run)) return undefined;
  const isHandedOn = [...knownIds.open, ...knownIds.settled].some(
    (id) => id > attempt.id && run.name.includes(id),
  );
  const mayBeOwn = (one: CandidateRun): boolean =>
    mayBeMadeLater(attempt, one, timing) && maybeSameActor(attempt, one);
  return isHandedOn || nameless.some(mayBeOwn) ? undefined : run;
}

/** The same, or known of neither. */
function isOfAccount(attempt: SearchedAttempt, run: CandidateRun): boolean {
  const { actor, actorNow, isTokenNow } = attempt;
  const isKnown = actor !== '' || (isTokenNow && actorNow !== '');
  return isKnown ? isSameActor(attempt, run) : run.actor === '';
}
