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
    actorNow = 'bot',
    isTokenNow = true,
    ...over
  }: Partial<SearchedAttempt> = {},
): SearchedAttempt => ({
  ...attempt(id, { claimedAt: CLAIMED_AT + ms, ...over }),
  uncertaintyMs,
  steppedMs,
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

/** What is decided of each attempt, in a word and the runs it is about. */
export function decide(
  over: Partial<CorrelationInput> & { listedAt?: number },
): Record<string, string> {
  const sentAt = over.listedAt ?? CLAIMED_AT + 10 * SECOND;
  const decisions = correlate({
    attempts: [],
    sending: [],
    rivals: [],
    acceptedByTime: [],
    knownIds: { open: (over.sending ?? []).map(({ id }) => id), settled: [] },
    runs: [],
    elsewhere: [],
    listing: { sentAt, isComplete: true, createdSince: 0, readableForMs: Infinity },
    timing: TIMING,
    namedCommits: new Set(),
    now: sentAt,
    ...over,
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
