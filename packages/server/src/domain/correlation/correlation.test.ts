import { describe, expect, it } from 'vitest';
import { attempt, CLAIMED_AT } from '../attempt.testkit.ts';
import { namedAt } from './clusters.ts';
import {
  decide,
  MINUTE,
  madeAfter,
  namedAfter,
  OVER,
  SECOND,
  sentAfter,
} from './correlation.testkit.ts';
import type { CandidateRun, SearchedAttempt } from './window.ts';

describe('as many runs as attempts', () => {
  it('pairs them in time order, also within one second', () => {
    const attempts = [sentAfter('b', 200), sentAfter('a', 0), sentAfter('c', 400)];
    const runs = [madeAfter('10', 0), madeAfter('9', 0), madeAfter('11', 0)];
    expect(decide({ attempts, runs })).toEqual({
      a: '9 by order',
      b: '10 by order',
      c: '11 by order',
    });
  });

  it('adopts none while an attempt of the key is being sent: its reply would come too late', () => {
    const facts = { attempts: [sentAfter('a', 0)], runs: [madeAfter('1', SECOND)] };
    expect(decide({ ...facts, sending: [attempt('b')] })).toEqual({ a: 'wait' });
    expect(decide(facts)).toEqual({ a: '1 by order' });
  });

  it('adopts none by a listing that was cut short, or was sent before the last claim', () => {
    const attempts = [sentAfter('a', 0)];
    const runs = [madeAfter('1', 0)];
    const listing = {
      sentAt: CLAIMED_AT + SECOND,
      isComplete: false,
      createdSince: 0,
    };
    expect(decide({ attempts, runs, listing })).toEqual({ a: 'wait' });
    expect(decide({ attempts, runs, listedAt: CLAIMED_AT - 1 })).toEqual({ a: 'wait' });
  });

  it('never adopts a run made before the claim, less what the clocks may be off and a second (defect #3)', () => {
    const adopted = (ms: number, over: Partial<SearchedAttempt> = {}) =>
      decide({ attempts: [sentAfter('a', 0, over)], runs: [madeAfter('1', ms)] })['a'] !== 'wait';
    expect(adopted(-SECOND)).toBe(true);
    expect(adopted(-SECOND - 1)).toBe(false);
    expect(adopted(-3 * SECOND, { uncertaintyMs: 2 * SECOND })).toBe(true);
    expect(adopted(-3 * SECOND - 1, { uncertaintyMs: 2 * SECOND })).toBe(false);
    // Known to the minute only, everybody's runs of that minute would be taken.
    expect(adopted(-6 * SECOND, { uncertaintyMs: MINUTE })).toBe(true);
    expect(adopted(-6 * SECOND - 1, { uncertaintyMs: MINUTE })).toBe(false);
  });

  it('adopts none after a lost answer where runs are stamped later than they are made: it may be of before the claim', () => {
    const runs = [madeAfter('1', SECOND)];
    const lost = sentAfter('a', 0, { areStampsAhead: true, missingSince: OVER });
    expect(decide({ attempts: [lost], runs, listedAt: LATE })).toEqual({ a: 'ambiguous: 1' });
    expect(decide({ attempts: [{ ...lost, state: 'accepted' }], runs, listedAt: LATE })).toEqual({
      a: '1 by order',
    });
  });

  it('is not sent again beside a run of the minute before its claim until some run has shown how the forge’s clocks stand', () => {
    const outcome = (ms: number, over: Partial<SearchedAttempt> = {}) => {
      const lost = sentAfter('a', 0, { areStampsKnown: false, missingSince: OVER, ...over });
      return decide({ attempts: [lost], runs: [madeAfter('1', ms)], listedAt: LATE })['a'];
    };
    expect(outcome(-3 * SECOND)).toBe('ambiguous: 1');
    expect(outcome(-MINUTE - SECOND)).toBe('ambiguous: 1');
    expect(outcome(-MINUTE - SECOND - 1)).toBe('absent');
    expect(outcome(-3 * SECOND, { areStampsKnown: true })).toBe('absent');
    // A forge that names no run fails its job all the same: the message names the run.
    expect(outcome(-3 * SECOND, { state: 'accepted' })).toBe('ambiguous: 1');
  });

  it('adopts none after a lost answer that may be of before the forge’s clock was put back', () => {
    const runs = [madeAfter('1', 40 * SECOND)];
    const adopted = (over: Partial<SearchedAttempt>) =>
      decide({ attempts: [sentAfter('a', 0, over)], runs, listedAt: LATE })['a'];
    expect(adopted({ stampedAgainUntil: CLAIMED_AT + 40 * SECOND })).toBe('missing');
    expect(adopted({ stampedAgainUntil: CLAIMED_AT + 39 * SECOND })).toBe('1 by order');
    const claimedBefore = { steppedMs: -180 * SECOND, stampedAgainUntil: CLAIMED_AT + 60 * SECOND };
    expect(adopted(claimedBefore)).toBe('1 by order');
  });

  it('adopts none that was made a minute after the request was surely over', () => {
    const adopted = (one: CandidateRun) =>
      decide({ attempts: [sentAfter('a', 0)], runs: [one] })['a'] !== 'wait';
    expect(adopted(madeAfter('1', 95 * SECOND))).toBe(true);
    expect(adopted(madeAfter('1', 95 * SECOND + 1))).toBe(false);
  });
});

describe('fewer runs than attempts', () => {
  const attempts = [sentAfter('a', 0), sentAfter('b', 20 * SECOND)];

  it('waits until no request can be on its way any more', () => {
    const runs = [madeAfter('1', 21 * SECOND)];
    expect(decide({ attempts, runs, listedAt: CLAIMED_AT + 55 * SECOND })).toEqual({
      a: 'wait',
      b: 'wait',
    });
  });

  it('then gives a run to the attempt sent closest to it, the rest are missing', () => {
    const runs = [madeAfter('1', 21 * SECOND)];
    expect(decide({ attempts, runs, listedAt: OVER + 20 * SECOND })).toEqual({
      a: 'missing',
      b: '1 by order',
    });
  });

  it('prefers the attempt that the forge has accepted: it surely has a run', () => {
    const [, b] = attempts;
    const accepted = sentAfter('a', 0, { state: 'accepted' });
    const runs = [madeAfter('1', 21 * SECOND)];
    const facts = { attempts: b === undefined ? [accepted] : [accepted, b], runs };
    expect(decide({ ...facts, listedAt: OVER + 20 * SECOND })).toMatchObject({ a: '1 by order' });
  });
});

/** As late as anything is concluded, by a listing that is not the first to show nothing of its own. */
const LATE = CLAIMED_AT + 35 * SECOND + 6 * MINUTE;

describe('attempts with different inputs in doubt at once', () => {
  const attempts = [
    sentAfter('a', 0, { inputsHash: 'one', missingSince: OVER }),
    sentAfter('b', SECOND, { inputsHash: 'two', missingSince: OVER }),
  ];

  it('are never given each other’s runs: with any run about, neither is sent again', () => {
    const acted = [madeAfter('1', SECOND)];
    expect(decide({ attempts, runs: acted, listedAt: OVER + SECOND })).toEqual({
      a: 'missing',
      b: 'missing',
    });
    expect(decide({ attempts, runs: acted, listedAt: LATE })).toEqual({
      a: 'ambiguous: 1',
      b: 'ambiguous: 1',
    });
    const both = [...acted, madeAfter('2', 2 * SECOND)];
    expect(decide({ attempts, runs: both, listedAt: LATE })).toEqual({
      a: 'ambiguous: 1 2',
      b: 'ambiguous: 1 2',
    });
  });

  it('started nothing where there is no run at all', () => {
    expect(decide({ attempts, listedAt: LATE })).toEqual({ a: 'absent', b: 'absent' });
  });
});

describe('an attempt that sends its id', () => {
  const attempts = [namedAfter('a-1', 0, { missingSince: OVER })];

  it('never takes a run that does not bear it: that one forbids to send it again', () => {
    const runs = [madeAfter('1', SECOND)];
    expect(decide({ attempts, runs, listedAt: OVER })).toEqual({ 'a-1': 'missing' });
    expect(decide({ attempts, runs, listedAt: LATE })).toEqual({ 'a-1': 'ambiguous: 1' });
  });

  it('is sent again in spite of such a run where the commit is known to bear ids', () => {
    const at = (commit: string, status: string) =>
      decide({
        attempts,
        runs: [madeAfter('1', SECOND, { headSha: 'known', status })],
        listedAt: LATE,
        namedCommits: new Set([namedAt('dispatch-id', commit)]),
      });
    expect(at('known', 'in_progress')).toEqual({ 'a-1': 'absent' });
    expect(at('other', 'in_progress')).toEqual({ 'a-1': 'ambiguous: 1' });
    // Before it starts its name may not be worked out yet.
    expect(at('known', 'queued')).toEqual({ 'a-1': 'ambiguous: 1' });
  });

  it('is not known by a commit at which another input was shown', () => {
    const runs = [madeAfter('1', SECOND, { headSha: 'known' })];
    const namedCommits = new Set([namedAt('other-input', 'known')]);
    expect(decide({ attempts, runs, listedAt: LATE, namedCommits })).toEqual({
      'a-1': 'ambiguous: 1',
    });
  });

  it('is not hindered by a run made before its claim, or by another actor', () => {
    const runs = [madeAfter('1', -SECOND - 1), madeAfter('2', 0, { actor: 'someone' })];
    expect(decide({ attempts, runs, listedAt: LATE })).toEqual({ 'a-1': 'absent' });
  });

  it('waits for others being sent that may have made the run', () => {
    const runs = [madeAfter('1', SECOND, { headSha: 'known', status: 'in_progress' })];
    const named = attempt('b-2', { isNamed: true, correlationInput: 'dispatch-id' });
    const seen = { attempts: [sentAfter('p', 0)], runs, listedAt: LATE };
    expect(decide({ ...seen, sending: [named] })).toEqual({ p: 'wait' });
    expect(
      decide({
        ...seen,
        sending: [named],
        namedCommits: new Set([namedAt('dispatch-id', 'known')]),
      }),
    ).toEqual({
      p: '1 by order',
    });
  });

  it('leaves no run to one that is known by its time as long as it may be its own', () => {
    const both = [...attempts, sentAfter('p', 0, { missingSince: OVER })];
    const runs = [madeAfter('1', SECOND)];
    expect(decide({ attempts: both, runs, listedAt: LATE })).toEqual({
      'a-1': 'ambiguous: 1',
      p: 'ambiguous: 1',
    });
  });

  it('is forbidden to be sent again by a run that may be its own by a clock nobody knows well', () => {
    const unsure = [namedAfter('a-1', 0, { missingSince: OVER, uncertaintyMs: MINUTE })];
    const runs = [madeAfter('1', -MINUTE)];
    expect(decide({ attempts: unsure, runs, listedAt: LATE + 2 * MINUTE })).toEqual({
      'a-1': 'ambiguous: 1',
    });
  });
});

describe('more runs than attempts', () => {
  const attempts = [sentAfter('a-1', 0)];
  const runs = [madeAfter('1', 5 * SECOND), madeAfter('2', SECOND)];

  it('go by the attempt id in the run’s name, at once', () => {
    const named = [...runs, madeAfter('3', SECOND, { name: 'Build [a-1]' })];
    expect(decide({ attempts, runs: named })).toEqual({ 'a-1': '3 by input' });
  });

  it('may have handed the id on to one of the same workflow that bears it and was made seconds later: nothing is taken', () => {
    const handedOn = madeAfter('3', 30 * SECOND, { name: 'Build [a-1]' });
    const late = [sentAfter('a-1', 0, { missingSince: OVER })];
    expect(decide({ attempts, runs: [...runs, handedOn] })).toEqual({ 'a-1': 'wait' });
    expect(decide({ attempts: late, runs: [...runs, handedOn], listedAt: LATE })).toEqual({
      'a-1': 'ambiguous: 2 1',
    });
  });

  it('are nobody’s: it is not sent again, and fails with all of them named', () => {
    expect(decide({ attempts, runs })).toEqual({ 'a-1': 'wait' });
    expect(decide({ attempts, runs, listedAt: OVER })).toEqual({ 'a-1': 'missing' });
    const late = [sentAfter('a-1', 0, { missingSince: OVER })];
    expect(decide({ attempts: late, runs, listedAt: LATE })).toEqual({ 'a-1': 'ambiguous: 2 1' });
  });
});

describe('a run that names an attempt', () => {
  it('is a copy where another account started it: it is not taken, and forbids to send again', () => {
    const attempts = [namedAfter('x-1', 0, { missingSince: OVER })];
    const runs = [madeAfter('1', SECOND, { name: 'Build x-1', actor: 'alice' })];
    expect(decide({ attempts, runs, listedAt: LATE })).toEqual({ 'x-1': 'ambiguous: 1' });
  });

  it('is the newest one’s where it names several', () => {
    const attempts = [sentAfter('x-1', 0), sentAfter('x-2', 0)];
    const runs = [madeAfter('1', SECOND, { name: 'after x-1: x-2' })];
    expect(decide({ attempts, runs })).toEqual({ 'x-1': 'wait', 'x-2': '1 by input' });
  });

  it('is no other attempt’s, not even while the named one is being sent', () => {
    const attempts = [sentAfter('x-1', 0)];
    const runs = [madeAfter('1', SECOND, { name: 'for attempt-b' })];
    const facts = { attempts, runs, sending: [attempt('attempt-b')], listedAt: OVER };
    expect(decide(facts)).toEqual({ 'x-1': 'missing' });
  });

  it('is found by a listing that was cut short too', () => {
    const runs = [madeAfter('1', SECOND, { name: 'a-1' })];
    const listing = { sentAt: OVER, isComplete: false, createdSince: 0 };
    expect(decide({ attempts: [sentAfter('a-1', 0)], runs, listing })).toEqual({
      'a-1': '1 by input',
    });
  });

  it('is adopted once: a second one with the same name is somebody’s copy', () => {
    const runs = ['1', '2'].map((id) => madeAfter(id, SECOND, { name: 'a-1' }));
    const attempts = [sentAfter('a-1', 0), sentAfter('b-2', 0)];
    expect(decide({ attempts, runs, listedAt: OVER })).toEqual({
      'a-1': '1 by input',
      'b-2': 'missing',
    });
  });
});

describe('an attempt without a run', () => {
  const lastSend = CLAIMED_AT + 35 * SECOND;
  const at = (listedAt: number, missingSince: number | null) =>
    decide({ attempts: [sentAfter('a', 0, { missingSince })], listedAt })['a'];

  it('is missing in each complete listing sent after its last possible send', () => {
    expect(at(lastSend, null)).toBe('wait');
    expect(at(lastSend + 1, null)).toBe('missing');
  });

  it('is absent only after the lookup timeout, with a second for the stamp, and two such listings a minute apart (defect #16)', () => {
    const timeout = lastSend + 5 * MINUTE + SECOND + 1;
    expect(at(timeout, null)).toBe('missing');
    expect(at(timeout, timeout - MINUTE + 1)).toBe('missing');
    expect(at(timeout - 1, lastSend + 1)).toBe('missing');
    expect(at(timeout, timeout - MINUTE)).toBe('absent');
  });

  it('is neither missing nor absent by a listing that does not go back to it', () => {
    const attempts = [
      sentAfter('a', 0, { missingSince: CLAIMED_AT + 7 * MINUTE }),
      sentAfter('b', 10 * MINUTE, { missingSince: CLAIMED_AT + 17 * MINUTE }),
    ];
    const sentAt = CLAIMED_AT + 60 * MINUTE;
    const listing = {
      sentAt,
      isComplete: true,
      createdSince: CLAIMED_AT + 9 * MINUTE,
    };
    expect(decide({ attempts, listing })).toEqual({ a: 'wait', b: 'absent' });
  });

  it('leaves a run to wait that may belong to one the listing does not go back to', () => {
    const attempts = [sentAfter('a', 0), sentAfter('b', SECOND)];
    const sentAt = CLAIMED_AT + 60 * MINUTE;
    const listing = { sentAt, isComplete: true, createdSince: CLAIMED_AT };
    const runs = [madeAfter('1', 2 * SECOND)];
    expect(decide({ attempts, runs, listing })).toEqual({ a: 'wait', b: 'wait' });
  });

  it('is not called absent by a listing that was cut short', () => {
    const listing = {
      sentAt: CLAIMED_AT + 10 * MINUTE,
      isComplete: false,
      createdSince: 0,
    };
    const attempts = [sentAfter('a', 0, { missingSince: OVER })];
    expect(decide({ attempts, listing })).toEqual({ a: 'wait' });
  });
});
