import { describe, expect, it } from 'vitest';
import { CLAIMED_AT } from '../attempt.testkit.ts';
import {
  decide,
  MINUTE,
  madeAfter,
  namedAfter,
  OVER,
  SECOND,
  sentAfter,
  TIMING,
} from './correlation.testkit.ts';
import { runMayBeMadeWithinMs, type SearchedAttempt } from './window.ts';

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

  it('is not that of a later one with other inputs, whose time it was made in: it may be either’s', () => {
    const later = { inputsHash: 'other', missingSince: OVER };
    const attempts = [
      sentAfter('a', 0, { missingSince: OVER }),
      sentAfter('b', 95 * SECOND, later),
    ];
    expect(decide({ attempts, runs, listedAt: LATE + 2 * MINUTE })).toEqual({
      ...{ a: 'ambiguous: 1', b: 'ambiguous: 1' },
    });
  });

  it('is that of a later one that is alike: whose it is makes no difference', () => {
    const attempts = [sentAfter('a', 0, { missingSince: OVER }), sentAfter('b', 95 * SECOND)];
    expect(decide({ attempts, runs, listedAt: LATE })).toMatchObject({ b: '1 by order' });
  });
});

it('what may be the run of one that was given another by its time is nobody’s, but of one that is alike', () => {
  const rivals = [sentAfter('a', 0, { state: 'found', inputsHash: 'x' })];
  const runs = [madeAfter('7', 4 * SECOND)];
  const decided = (inputsHash: string) =>
    decide({ attempts: [sentAfter('b', 3 * SECOND, { inputsHash })], runs, rivals });
  expect(decided('y')).toEqual({ b: 'wait' });
  expect(decided('x')).toEqual({ b: '7 by order' });
});

it('what may be the run of one that was given up is not that of a later one with other inputs', () => {
  const rivals = [sentAfter('a', 0, { state: 'ambiguous', inputsHash: 'x' })];
  const attempts = [sentAfter('b', 95 * SECOND, { inputsHash: 'y', missingSince: OVER })];
  const runs = [madeAfter('7', 96 * SECOND)];
  expect(decide({ attempts, runs, rivals, listedAt: LATE + 2 * MINUTE })).toEqual({
    b: 'ambiguous: 7',
  });
});

it('what may be the run of one that sent its id, which no run has borne yet, is not that of one with other inputs', () => {
  const sentIds = { inputsHash: 'x', missingSince: OVER };
  const plain = sentAfter('b', 65 * SECOND, { inputsHash: 'y', missingSince: OVER });
  const attempts = [namedAfter('a', 0, sentIds), plain];
  const runs = [madeAfter('7', 66 * SECOND)];
  expect(decide({ attempts, runs, listedAt: LATE + 2 * MINUTE })).toEqual({
    ...{ a: 'ambiguous: 7', b: 'ambiguous: 7' },
  });
});

describe('after an answer that named no run, and one taken by its time', () => {
  // It may be somebody else's, and its own comes only now.
  const acceptedByTime = [sentAfter('a', 0, { state: 'accepted', inputsHash: 'x' })];
  const decided = (over: Partial<SearchedAttempt>) =>
    decide({
      attempts: [sentAfter('b', 2 * SECOND, { inputsHash: 'y', ...over })],
      runs: [madeAfter('7', 3 * SECOND)],
      acceptedByTime,
    });

  it('what comes next is not that of one with other inputs whose answer was lost', () => {
    expect(decided({})).toEqual({ b: 'wait' });
    expect(decided({ inputsHash: 'x' })).toEqual({ b: '7 by order' });
  });

  it('it is that of one that was accepted, too', () => {
    expect(decided({ state: 'accepted' })).toEqual({ b: '7 by order' });
  });
});

it('a job sent once no run can be taken for that of the one before has its run for itself', () => {
  const uncertaintyMs = 400;
  const rivals = [sentAfter('a', 0, { state: 'found', inputsHash: 'x', uncertaintyMs })];
  // As the claim waits: see `listDoubts`.
  const isSentAt = 5 * SECOND + runMayBeMadeWithinMs(TIMING) + 2 * uncertaintyMs + 1;
  const attempts = [sentAfter('b', isSentAt, { inputsHash: 'y', uncertaintyMs })];
  // Its stamp is a whole second, and our clock may have been ahead by what it was not known better.
  const stamp = Math.floor((CLAIMED_AT + isSentAt - uncertaintyMs) / SECOND) * SECOND;
  const runs = [madeAfter('7', stamp - CLAIMED_AT)];
  const listedAt = CLAIMED_AT + isSentAt + 10 * SECOND;
  expect(decide({ attempts, runs, rivals, listedAt })).toEqual({ b: '7 by order' });
});

describe('of two that are alike, with one run between them', () => {
  // Stamps are whole seconds, rounded down: by its time it is nearer to the first.
  const runs = [madeAfter('7', 0)];
  const cancelled = sentAfter('a', 0, { cancelWantedAt: CLAIMED_AT + 5 * SECOND });
  const attempts = [cancelled, sentAfter('b', 0.7 * SECOND)];

  it('the one whose job was cancelled does not get it: the other’s run would be ended, and started again', () => {
    expect(decide({ attempts, runs, listedAt: CLAIMED_AT + 100 * SECOND })).toMatchObject({
      b: '7 by order',
    });
  });

  it('nothing is decided while one could still be made that is to be cancelled', () => {
    expect(decide({ attempts, runs, listedAt: OVER })).toEqual({ a: 'wait', b: 'wait' });
    expect(decide({ attempts: [cancelled], runs, listedAt: OVER })).toEqual({ a: 'wait' });
    const later = { runs, listedAt: CLAIMED_AT + 100 * SECOND };
    expect(decide({ attempts: [cancelled], ...later })).toEqual({ a: '7 by order' });
  });
});

describe('a run that may be an attempt’s own forbids to send again, and is not taken by its time', () => {
  const given = { attempts: [sentAfter('x', 0, { missingSince: OVER })], listedAt: LATE };

  it.each([{ branch: '' }, { path: '' }])('where it does not tell %j', (over) => {
    const runs = [madeAfter('7', SECOND, over)];
    expect(decide({ ...given, runs })).toEqual({ x: 'ambiguous: 7' });
  });

  it('where its name bears the id of an earlier attempt, as its inputs may have been copied', () => {
    const runs = [madeAfter('7', SECOND, { name: 'CI earlier' })];
    const knownIds = { open: [], settled: ['earlier'] };
    expect(decide({ ...given, runs, knownIds })).toEqual({ x: 'ambiguous: 7' });
    // An attempt without a run will get it.
    expect(decide({ ...given, runs, knownIds: { open: ['earlier'], settled: [] } })).toEqual({
      x: 'absent',
    });
  });

  it.each([600, -600])('where the clock was put by %i s since the claim', (seconds) => {
    const steppedMs = seconds * SECOND;
    const attempts = [sentAfter('a', 0, { missingSince: OVER, steppedMs })];
    const runs = [madeAfter('7', steppedMs + SECOND)];
    const listedAt = LATE + Math.max(0, steppedMs);
    expect(decide({ attempts, runs, listedAt })).toEqual({ a: 'ambiguous: 7' });
  });
});

it('a name that bears the id of what came before is that of the attempt without a run, whichever is greater', () => {
  const runs = [madeAfter('7', SECOND, { name: 'Deploy a-1 after b-2' })];
  const knownIds = { open: [], settled: ['b-2'] };
  expect(decide({ attempts: [sentAfter('a-1', 0)], runs, knownIds })).toEqual({
    'a-1': '7 by input',
  });
});

it('never complete listings end in an ambiguous outcome, late, and never in an absent one', () => {
  const attempts = [sentAfter('a', 0, { missingSince: OVER })];
  const end = CLAIMED_AT + 35 * SECOND + 15 * MINUTE;
  const listing = { isComplete: false, createdSince: 0 };
  const at = (sentAt: number) => decide({ attempts, listing: { ...listing, sentAt } });
  expect(at(end - 1)).toEqual({ a: 'wait' });
  expect(at(end)).toEqual({ a: 'ambiguous: ' });
});

it('an incomplete listing after an outage says nothing yet: those that follow may be whole', () => {
  const attempts = [sentAfter('a', 0)];
  const sentAt = CLAIMED_AT + 60 * MINUTE;
  const at = (readableMs: number) =>
    decide({
      attempts,
      listing: { sentAt, isComplete: false, readableMs: new Map([['a', readableMs]]) },
    });
  expect(at(10 * MINUTE - 1)).toEqual({ a: 'wait' });
  expect(at(10 * MINUTE)).toEqual({ a: 'ambiguous: ' });
});
