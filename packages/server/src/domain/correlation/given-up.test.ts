import { describe, expect, it } from 'vitest';
import { CLAIMED_AT } from '../attempt.testkit.ts';
import { type CorrelationInput, correlate } from '../correlation.ts';
import { MINUTE, madeAfter, SECOND, sentAfter, TIMING } from './correlation.testkit.ts';

/** Deadline (5 s) and request timeout after the claim, and a moment. */
const OVER = CLAIMED_AT + 36 * SECOND;
/** As late as anything is concluded. */
const LATE = CLAIMED_AT + 35 * SECOND + 6 * MINUTE;

function decide(over: Partial<CorrelationInput> & { listedAt?: number }): Record<string, string> {
  const sentAt = over.listedAt ?? CLAIMED_AT + 10 * SECOND;
  const decisions = correlate({
    attempts: [],
    sending: [],
    knownIds: (over.sending ?? []).map(({ id }) => id),
    runs: [],
    listing: { sentAt, isComplete: true, createdSince: 0 },
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
          : one.kind,
    ]),
  );
}

describe('a run made when it is not taken by its time any more', () => {
  const runs = [madeAfter('1', 96 * SECOND)];

  it('forbids to send again as long as the attempt was looked for', () => {
    const attempts = [sentAfter('a', 0, { missingSince: OVER })];
    expect(decide({ attempts, runs, listedAt: LATE })).toEqual({ a: 'ambiguous: 1' });
    const later = [madeAfter('1', 5 * MINUTE + 36 * SECOND)];
    expect(decide({ attempts, runs: later, listedAt: LATE })).toEqual({ a: 'absent' });
  });

  it('is the next one’s, whose time it was made in', () => {
    const next = sentAfter('b', 95 * SECOND, { inputsHash: 'other' });
    const attempts = [sentAfter('a', 0, { missingSince: OVER }), next];
    expect(decide({ attempts, runs, listedAt: LATE })).toEqual({ a: 'absent', b: '1 by order' });
  });
});

it('never complete listings end in an ambiguous outcome, late, and never in an absent one', () => {
  const attempts = [sentAfter('a', 0, { missingSince: OVER })];
  const end = CLAIMED_AT + 35 * SECOND + 15 * MINUTE;
  const listing = { isComplete: false, createdSince: 0 };
  const at = (sentAt: number) => decide({ attempts, listing: { ...listing, sentAt }, now: sentAt });
  expect(at(end - 1)).toEqual({ a: 'wait' });
  expect(at(end)).toEqual({ a: 'ambiguous: ' });
});
