import type { Attempt, Run } from '../attempt.ts';
import { STAMP_STEP_MS } from '../stamp-step.ts';

/** A run may be made so long after the last moment at which its request could be on the way. */
const MADE_LATE_MS = 60_000;

/**
 * Beyond this far off a run is not taken by its time, though it cannot be ruled out: before the first answer of a forge
 * nobody knows its clock to the minute, and what others made in that minute would be taken too.
 */
const SURE_MS = 5_000;

export interface CorrelationTiming {
  readonly requestTimeoutMs: number;
  /** After the last possible send, before an attempt may be called absent. */
  readonly runLookupTimeoutMs: number;
  /** The two listings without a candidate are at least this far apart. */
  readonly recheckAfterMs: number;
}

export type SearchedAttempt = Pick<
  Attempt,
  | 'id'
  | 'state'
  | 'actor'
  | 'ref'
  | 'inputsHash'
  | 'correlationInput'
  | 'isNamed'
  | 'missingSince'
  | 'cancelWantedAt'
> & {
  /** On the forge's clock. */
  readonly claimedAt: number;
  /** On the forge's clock. */
  readonly sendDeadline: number;
  /** How far off these two moments may be. */
  readonly uncertaintyMs: number;
  /** So far a clock was put forward since the claim, the forge's or ours; negative: back. What was made since bears stamps so far off. */
  readonly steppedMs: number;
  /** Runs are known to bear later stamps than the moments at which they are made: one from before the claim may seem to be from after it. */
  readonly areStampsAhead: boolean;
  /** Nothing has shown yet that the clock that stamps runs is the one by which these moments are known: see `UNKNOWN_STAMPS_MS`. */
  readonly areStampsKnown: boolean;
  /** Where the forge's clock was put back before the claim: what is stamped earlier than this may have been made before that. */
  readonly stampedAgainUntil: number;
  /** As the credential is called now: accounts are renamed, and the forge then shows their older runs so too. */
  readonly actorNow: string;
  /** It was sent with the token of now. Of another token `actorNow` may be another account. */
  readonly isTokenNow: boolean;
};

export type CandidateRun = Pick<
  Run,
  'id' | 'name' | 'path' | 'branch' | 'actor' | 'status' | 'createdAt' | 'headSha' | 'url'
>;

/**
 * The clock of a proxy is rarely so far from that of the forge behind it: before any run has shown how they stand, what is stamped
 * so long before a claim may be of after it. It is not taken, but it forbids to send again.
 */
const UNKNOWN_STAMPS_MS = 60_000;

/** After this the forge can no longer be working on its request. */
export function lastSendOf(
  { sendDeadline }: Pick<SearchedAttempt, 'sendDeadline'>,
  { requestTimeoutMs }: Pick<CorrelationTiming, 'requestTimeoutMs'>,
): number {
  return sendDeadline + requestTimeoutMs;
}

/**
 * How long after its last possible send an attempt may still get a run by its time. Never longer than it is looked
 * for: a run made later is a late one.
 */
export function madeLateMs({
  runLookupTimeoutMs,
}: Pick<CorrelationTiming, 'runLookupTimeoutMs'>): number {
  return Math.min(MADE_LATE_MS, runLookupTimeoutMs);
}

/**
 * So long after its send deadline a run may bear a stamp with which an attempt gets it by its time: one that is made
 * after this bears a later stamp.
 */
export function runMadeWithinMs(
  timing: Pick<CorrelationTiming, 'requestTimeoutMs' | 'runLookupTimeoutMs'>,
): number {
  return timing.requestTimeoutMs + madeLateMs(timing) + STAMP_STEP_MS;
}

/**
 * So long after its send deadline a run may bear a stamp of which it cannot be ruled out that it is this attempt's: one that is
 * made after this bears a later stamp.
 */
export function runMayBeMadeWithinMs(
  timing: Pick<CorrelationTiming, 'requestTimeoutMs' | 'runLookupTimeoutMs'>,
): number {
  return timing.requestTimeoutMs + timing.runLookupTimeoutMs + STAMP_STEP_MS;
}

/** Whether this attempt could have made a run at that moment: it is taken by its time. Before the claim it never could. */
export function isMadeInTime(
  attempt: SearchedAttempt,
  run: Pick<CandidateRun, 'createdAt'>,
  timing: CorrelationTiming,
): boolean {
  // Of one that was accepted there is a run; what a lost answer started is not to be guessed.
  if (attempt.state !== 'accepted' && mayBeOfBefore(attempt, run)) return false;
  return isWithin(attempt, run, mostTakenUnsureMs(attempt), inTimeUntil(attempt, timing));
}

/** Its stamp is of after the claim, and does not show that it was made after it. */
function mayBeOfBefore(
  { areStampsAhead, stampedAgainUntil, steppedMs }: SearchedAttempt,
  { createdAt }: Pick<CandidateRun, 'createdAt'>,
): boolean {
  // One that was claimed before the step has its run from before it as well.
  return areStampsAhead || (steppedMs === 0 && createdAt <= stampedAgainUntil);
}

/** Not so early that it is not taken by its time. */
export function isMadeSinceClaim(
  attempt: SearchedAttempt,
  run: Pick<CandidateRun, 'createdAt'>,
): boolean {
  return isWithin(attempt, run, mostTakenUnsureMs(attempt), Infinity);
}

function mostTakenUnsureMs({ uncertaintyMs }: SearchedAttempt): number {
  return Math.min(uncertaintyMs, SURE_MS);
}

/** As `isMadeInTime`, or it cannot be ruled out, as nobody knows the time that well. */
export function mayBeMadeInTime(
  attempt: SearchedAttempt,
  run: Pick<CandidateRun, 'createdAt'>,
  timing: CorrelationTiming,
): boolean {
  return mayBeWithin(attempt, run, inTimeUntil(attempt, timing));
}

/** The last moment of a run that is taken by its time. */
function inTimeUntil(attempt: SearchedAttempt, timing: CorrelationTiming): number {
  return lastSendOf(attempt, timing) + madeLateMs(timing);
}

/** As `mayBeMadeInTime`, or so late that it is not taken by its time: until the attempt may have been given up. */
export function mayBeMadeLater(
  attempt: SearchedAttempt,
  run: Pick<CandidateRun, 'createdAt'>,
  timing: CorrelationTiming,
): boolean {
  return mayBeWithin(attempt, run, lookedForUntil(attempt, timing));
}

function lookedForUntil(attempt: SearchedAttempt, timing: CorrelationTiming): number {
  return lastSendOf(attempt, timing) + timing.runLookupTimeoutMs;
}

/** As `mayBeMadeLater`, or stamped by a clock that is off, as long as nothing has shown that it is not. */
export function mayBeStampedOff(
  attempt: SearchedAttempt,
  run: Pick<CandidateRun, 'createdAt'>,
  timing: CorrelationTiming,
): boolean {
  if (attempt.areStampsKnown) return mayBeMadeLater(attempt, run, timing);
  const uncertaintyMs = Math.max(attempt.uncertaintyMs, UNKNOWN_STAMPS_MS);
  return mayBeWithin({ ...attempt, uncertaintyMs }, run, lookedForUntil(attempt, timing));
}

function mayBeWithin(
  attempt: SearchedAttempt,
  run: Pick<CandidateRun, 'createdAt'>,
  until: number,
): boolean {
  const { uncertaintyMs, steppedMs } = attempt;
  if (isWithin(attempt, run, uncertaintyMs, until)) return true;
  return isWithin(attempt, { createdAt: run.createdAt - steppedMs }, uncertaintyMs, until);
}

function isWithin(
  attempt: SearchedAttempt,
  { createdAt }: Pick<CandidateRun, 'createdAt'>,
  unsureMs: number,
  until: number,
): boolean {
  const from = attempt.claimedAt - unsureMs - STAMP_STEP_MS;
  return createdAt >= from && createdAt <= until + unsureMs;
}

/** A listing that does not go back to here may lack its run. */
export function earliestOf({ claimedAt, uncertaintyMs, steppedMs }: SearchedAttempt): number {
  return claimedAt - uncertaintyMs - STAMP_STEP_MS + Math.min(0, steppedMs);
}

/** Clocks that are kept right drift apart by less: more is a step of one of them. */
export const DRIFT_MS = 5_000;

/** @param offset the forge's clock minus ours, now */
export function steppedSince(
  attempt: Pick<Attempt, 'claimedAt' | 'forgeClaimedAt' | 'forgeUncertaintyMs'>,
  offset: { readonly offsetMs: number; readonly uncertaintyMs: number },
): number {
  const steppedMs = offset.offsetMs - (attempt.forgeClaimedAt - attempt.claimedAt);
  const unsureMs = attempt.forgeUncertaintyMs + offset.uncertaintyMs + DRIFT_MS;
  return Math.abs(steppedMs) > unsureMs ? steppedMs : 0;
}

/** Whether it cannot be ruled out that it was started with this attempt's credential. `''` = not known. */
export function maybeSameActor(
  { actor, actorNow }: Pick<SearchedAttempt, 'actor' | 'actorNow'>,
  run: Pick<CandidateRun, 'actor'>,
): boolean {
  if (actor === '' || run.actor === '') return true;
  return isSameLogin(actor, run.actor) || isSameLogin(actorNow, run.actor);
}

/**
 * By its login at the claim, or as it is now. A run that does not tell who started it is nobody's; an attempt of a
 * credential that has never shown its login, as those of apps, may have any.
 */
export function isSameActor(
  { actor, actorNow, isTokenNow }: Pick<SearchedAttempt, 'actor' | 'actorNow' | 'isTokenNow'>,
  run: Pick<CandidateRun, 'actor'>,
): boolean {
  if (run.actor === '') return false;
  const logins = [actor, isTokenNow ? actorNow : ''].filter((login) => login !== '');
  return logins.length === 0 || logins.some((login) => isSameLogin(login, run.actor));
}

/** Forges take logins in any case. */
export function isSameLogin(one: string, other: string): boolean {
  return one === other || one.toLowerCase() === other.toLowerCase();
}
