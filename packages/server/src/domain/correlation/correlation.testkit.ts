import { attempt, CLAIMED_AT, run } from '../attempt.testkit.ts';
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
  { uncertaintyMs = 0, actorNow = 'bot', ...over }: Partial<SearchedAttempt> = {},
): SearchedAttempt => ({
  ...attempt(id, { claimedAt: CLAIMED_AT + ms, ...over }),
  uncertaintyMs,
  actorNow,
});
/** It sends its id, and is known by it. */
export const namedAfter = (id: string, ms: number, over: Partial<SearchedAttempt> = {}) =>
  sentAfter(id, ms, { isNamed: true, correlationInput: 'dispatch-id', ...over });
export const madeAfter = (id: string, ms: number, over: Partial<CandidateRun> = {}) =>
  run(id, { createdAt: CLAIMED_AT + ms, ...over });
