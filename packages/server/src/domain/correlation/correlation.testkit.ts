import { attempt, CLAIMED_AT, run } from '../attempt.testkit.ts';
import { type CorrelationInput, correlate } from './correlation.ts';
import type { CandidateRun, SearchedAttempt } from './window.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const TIMING = {
  requestTimeoutMs: 30 * SECOND,
  runLookupTimeoutMs: 5 * MINUTE,
  recheckAfterMs: MINUTE,
};
export const sentAfter = (
  id: string,
  ms: number,
  {
    uncertaintyMs = 0,
    steppedMs = 0,
    areStampsAhead = false,
    areStampsKnown = true,
    stampedAgainUntil = -Infinity,
    actorNow = 'bot',
    isTokenNow = true,
    ...over
  }: Partial<SearchedAttempt> = {},
): SearchedAttempt => ({
  ...attempt(id, { claimedAt: CLAIMED_AT + ms, ...over }),
  uncertaintyMs,
  steppedMs,
  areStampsAhead,
  areStampsKnown,
  stampedAgainUntil,
  actorNow,
  isTokenNow,
});
/** It sends its id, and is known by it. */
export const namedAfter = (id: string, ms: number, over: Partial<SearchedAttempt> = {}) =>
  sentAfter(id, ms, { isNamed: true, correlationInput: 'dispatch-id', ...over });
export const madeAfter = (id: string, ms: number, over: Partial<CandidateRun> = {}) =>
  run(id, { createdAt: CLAIMED_AT + ms, ...over });

/** Deadline (5 s) and request timeout after the claim, and a moment. */
export const OVER = CLAIMED_AT + 36 * SECOND;

/** Where no clock was stepped. */
export function passedBy(
  sentAt: number,
  attempts: readonly SearchedAttempt[],
): ReadonlyMap<string, number> {
  return new Map(attempts.map(({ id, sendDeadline }) => [id, sentAt - sendDeadline]));
}

/** What is decided of each attempt, in a word and the runs it is about. */
export function decide(
  over: Partial<Omit<CorrelationInput, 'listing'>> & {
    readonly listing?: Partial<CorrelationInput['listing']>;
    readonly listedAt?: number;
  },
): Record<string, string> {
  const { listing, listedAt, ...rest } = over;
  const sentAt = listing?.sentAt ?? listedAt ?? CLAIMED_AT + 10 * SECOND;
  const attempts = rest.attempts ?? [];
  const decisions = correlate({
    attempts: [],
    sending: [],
    rivals: [],
    acceptedByTime: [],
    knownIds: { open: (over.sending ?? []).map(({ id }) => id), settled: [] },
    runs: [],
    elsewhere: [],
    timing: TIMING,
    namedCommits: new Set(),
    ...rest,
    listing: {
      sentAt,
      isComplete: true,
      createdSince: 0,
      readableMs: new Map(attempts.map(({ id }) => [id, Infinity])),
      passedMs: passedBy(sentAt, attempts),
      ...listing,
    },
  });
  return Object.fromEntries(
    decisions.map((one) => [
      one.attemptId,
      one.kind === 'match'
        ? `${one.runId} by ${one.matchedBy}`
        : one.kind === 'ambiguous'
          ? `ambiguous: ${one.runs.map(({ id }) => id).join(' ')}`
          : one.kind === 'renamed'
            ? `${one.runId} as renamed`
            : one.kind,
    ]),
  );
}
