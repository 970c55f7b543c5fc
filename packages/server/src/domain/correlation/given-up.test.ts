import { describe, expect, it } from 'vitest';
import { CLAIMED_AT } from '../attempt.testkit.ts';
import { decide, MINUTE, madeAfter, OVER, SECOND, sentAfter } from './correlation.testkit.ts';

/** As late as anything is concluded. */
const LATE = CLAIMED_AT + 35 * SECOND + 6 * MINUTE;

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
