import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attempt, CLAIMED_AT, run } from './attempt.testkit.ts';
import {
  type CandidateRun,
  type CorrelationInput,
  correlate,
  type LateRunInput,
  lateRuns,
  type SearchedAttempt,
} from './correlation.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const TIMING = {
  requestTimeoutMs: 30 * SECOND,
  runLookupTimeoutMs: 5 * MINUTE,
  recheckAfterMs: MINUTE,
  uncertaintyMs: 0,
};
/** Deadline (5 s) and request timeout after the claim, and a moment. */
const OVER = CLAIMED_AT + 36 * SECOND;

const sentAfter = (id: string, ms: number, over: Partial<SearchedAttempt> = {}) =>
  attempt(id, { claimedAt: CLAIMED_AT + ms, ...over });
const madeAfter = (id: string, ms: number, over: Partial<CandidateRun> = {}) =>
  run(id, { createdAt: CLAIMED_AT + ms, ...over });

function decide(over: Partial<CorrelationInput> & { listedAt?: number }): Record<string, string> {
  const sentAt = over.listedAt ?? CLAIMED_AT + 10 * SECOND;
  const decisions = correlate({
    attempts: [],
    sending: [],
    knownIds: (over.sending ?? []).map(({ id }) => id),
    runs: [],
    listing: { sentAt, isComplete: true, createdSince: 0 },
    timing: TIMING,
    now: sentAt,
    ...over,
  });
  return Object.fromEntries(
    decisions.map((one) => [
      one.attemptId,
      one.kind === 'match' ? `${one.runId} by ${one.matchedBy}` : one.kind,
    ]),
  );
}

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
    const runs = [madeAfter('1', -SECOND)];
    const listing = { sentAt: CLAIMED_AT + SECOND, isComplete: false, createdSince: 0 };
    expect(decide({ attempts, runs, listing })).toEqual({ a: 'wait' });
    expect(decide({ attempts, runs, listedAt: CLAIMED_AT - 1 })).toEqual({ a: 'wait' });
  });

  it('does not adopt a run made before the claim or long after it, or by another actor (defect #3)', () => {
    const attempts = [sentAfter('a', 0)];
    const adopted = (one: CandidateRun) => decide({ attempts, runs: [one] })['a'] !== 'wait';
    expect(adopted(madeAfter('1', -MINUTE))).toBe(true);
    expect(adopted(madeAfter('1', -MINUTE - 1))).toBe(false);
    expect(adopted(madeAfter('1', 95 * SECOND))).toBe(true);
    expect(adopted(madeAfter('1', 95 * SECOND + 1))).toBe(false);
    expect(adopted(madeAfter('1', 0, { actor: 'someone' }))).toBe(false);
    expect(adopted(madeAfter('1', 0, { actor: 'BOT' }))).toBe(true);
    expect(adopted(madeAfter('1', 0, { actor: '' }))).toBe(true);
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

describe('more runs than attempts', () => {
  const attempts = [sentAfter('a-1', 0)];
  const runs = [madeAfter('1', 5 * SECOND), madeAfter('2', SECOND)];

  it('go by the attempt id in the run’s name, at once', () => {
    const named = [...runs, madeAfter('3', 30 * SECOND, { name: 'Build [a-1]' })];
    expect(decide({ attempts, runs: named })).toEqual({ 'a-1': '3 by input' });
  });

  it('else by time, once no request can be on its way any more', () => {
    expect(decide({ attempts, runs })).toEqual({ 'a-1': 'wait' });
    expect(decide({ attempts, runs, listedAt: OVER })).toEqual({ 'a-1': '2 by order' });
  });
});

describe('a run that names an attempt', () => {
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

  it('is absent only after the lookup timeout and two such listings a minute apart (defect #16)', () => {
    const timeout = lastSend + 5 * MINUTE;
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
    const listing = { sentAt, isComplete: true, createdSince: CLAIMED_AT + 9 * MINUTE };
    expect(decide({ attempts, listing, now: sentAt })).toEqual({ a: 'wait', b: 'absent' });
  });

  it('leaves a run to wait that may belong to one the listing does not go back to', () => {
    const attempts = [sentAfter('a', 0), sentAfter('b', SECOND)];
    const sentAt = CLAIMED_AT + 60 * MINUTE;
    const listing = { sentAt, isComplete: true, createdSince: CLAIMED_AT + SECOND - MINUTE };
    const runs = [madeAfter('1', 2 * SECOND)];
    expect(decide({ attempts, runs, listing })).toEqual({ a: 'wait', b: 'wait' });
  });

  it('is not called absent by a listing that was cut short', () => {
    const listing = { sentAt: CLAIMED_AT + 60 * MINUTE, isComplete: false, createdSince: 0 };
    const attempts = [sentAfter('a', 0, { missingSince: OVER })];
    expect(decide({ attempts, listing, now: listing.sentAt })).toEqual({ a: 'wait' });
  });
});

const anyKey = fc
  .record({
    attempts: fc.array(
      fc.record({
        at: fc.nat(4 * MINUTE),
        state: fc.constantFrom('unknown' as const, 'unknown' as const, 'accepted' as const),
        missingSince: fc.option(fc.nat(10 * MINUTE).map((ms) => CLAIMED_AT + ms)),
      }),
      { maxLength: 5 },
    ),
    runs: fc.array(
      fc.record({
        at: fc.integer({ min: -2 * MINUTE, max: 6 * MINUTE }),
        names: fc.oneof(
          { arbitrary: fc.constant(null), weight: 5 },
          { arbitrary: fc.nat(4), weight: 1 },
        ),
        actor: fc.constantFrom('bot', 'bot', 'bot', '', 'someone'),
      }),
      { maxLength: 6 },
    ),
    isSending: fc.constantFrom(false, false, false, true),
    isComplete: fc.constantFrom(true, true, true, false),
    listedAfter: fc.nat(12 * MINUTE),
    late: fc.nat(MINUTE),
  })
  .map(({ attempts, runs, isSending, isComplete, listedAfter, late }): CorrelationInput => {
    const sentAt = CLAIMED_AT + listedAfter;
    return {
      attempts: attempts.map(({ at, ...rest }, i) => sentAfter(`attempt-${i}`, at, rest)),
      sending: isSending ? [attempt('attempt-sending')] : [],
      knownIds: isSending ? ['attempt-sending'] : [],
      runs: runs.map(({ at, names, actor }, i) =>
        madeAfter(String(i), at, { actor, name: names === null ? 'CI' : `CI attempt-${names}` }),
      ),
      listing: { sentAt, isComplete, createdSince: 0 },
      timing: TIMING,
      now: sentAt + late,
    };
  });

const matchesOf = (input: CorrelationInput) =>
  correlate(input).flatMap((one) => (one.kind === 'match' ? [one] : []));

describe('correlate, for any attempts and runs', () => {
  it('decides once for each attempt, and matches no run twice', () => {
    fc.assert(
      fc.property(anyKey, (input) => {
        const decided = correlate(input).map(({ attemptId }) => attemptId);
        expect(decided).toEqual(input.attempts.map(({ id }) => id));
        const runs = matchesOf(input).map(({ runId }) => runId);
        expect(new Set(runs).size).toBe(runs.length);
      }),
      { numRuns: 500 },
    );
  });

  it('matches by time only inside the attempt’s window, in order, with nothing being sent', () => {
    fc.assert(
      fc.property(anyKey, (input) => {
        const times = matchesOf(input)
          .filter(({ matchedBy }) => matchedBy === 'order')
          .map(({ attemptId, runId }) => {
            const sent = input.attempts.find(({ id }) => id === attemptId)?.claimedAt ?? NaN;
            const made = input.runs.find(({ id }) => id === runId)?.createdAt ?? NaN;
            expect(made - sent).toBeGreaterThanOrEqual(-MINUTE);
            expect(made - sent).toBeLessThanOrEqual(95 * SECOND);
            return { sent, made };
          });
        expect(times.length > 0 && input.sending.length > 0).toBe(false);
        expect(times.length > 0 && !input.listing.isComplete).toBe(false);
        for (const a of times) {
          for (const b of times) if (a.sent < b.sent) expect(a.made).toBeLessThanOrEqual(b.made);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('says the same whatever the order of its lists', () => {
    const shuffled = anyKey.chain((input) =>
      fc.record({
        input: fc.constant(input),
        attempts: fc.shuffledSubarray([...input.attempts], { minLength: input.attempts.length }),
        runs: fc.shuffledSubarray([...input.runs], { minLength: input.runs.length }),
      }),
    );
    const byAttempt = (input: CorrelationInput) =>
      correlate(input).toSorted((a, b) => (a.attemptId < b.attemptId ? -1 : 1));
    fc.assert(
      fc.property(shuffled, ({ input, attempts, runs }) => {
        expect(byAttempt({ ...input, attempts, runs })).toEqual(byAttempt(input));
      }),
      { numRuns: 500 },
    );
  });

  it('calls nothing absent while a run in its window may be its own', () => {
    fc.assert(
      fc.property(anyKey, (input) => {
        const taken = new Set(matchesOf(input).map(({ runId }) => runId));
        for (const { kind, attemptId } of correlate(input)) {
          if (kind !== 'absent') continue;
          const sent = input.attempts.find(({ id }) => id === attemptId)?.claimedAt ?? NaN;
          const left = input.runs.filter(
            ({ id, createdAt, actor, name }) =>
              !taken.has(id) &&
              name === 'CI' &&
              actor !== 'someone' &&
              createdAt >= sent - MINUTE &&
              createdAt <= sent + 95 * SECOND,
          );
          expect(left).toEqual([]);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('lateRuns', () => {
  const watched = [sentAfter('gone-1', 0, { state: 'absent' })];
  const base = { watched, searching: [], guessed: [], knownIds: ['other'], timing: TIMING };
  const late = (runs: CandidateRun[], over: Partial<LateRunInput> = {}) =>
    lateRuns({ ...base, runs, ...over }).map(({ runId }) => runId);

  it('finds the run of an attempt that was given up by its name or its time', () => {
    expect(late([madeAfter('1', 2 * SECOND)])).toEqual(['1']);
    expect(late([madeAfter('2', 30 * MINUTE, { name: 'gone-1' })])).toEqual(['2']);
    expect(late([madeAfter('3', 30 * MINUTE)])).toEqual([]);
  });

  it('takes no run that could belong to an attempt still looking for its own', () => {
    expect(late([madeAfter('1', 2 * SECOND)], { searching: [sentAfter('live', SECOND)] })).toEqual(
      [],
    );
  });

  it('takes no run that was made after the attempt may have been given up', () => {
    const hasty = { ...TIMING, runLookupTimeoutMs: 10 * SECOND };
    const takenAt = (ms: number) => late([madeAfter('1', ms)], { timing: hasty }).length;
    expect(takenAt(45 * SECOND)).toBe(1);
    expect(takenAt(45 * SECOND + 1)).toBe(0);
  });

  it('takes none that was made after the claim of one that was given its run by time', () => {
    const guessed = [sentAfter('live', 5 * SECOND)];
    expect(late([madeAfter('1', 6 * SECOND)], { guessed })).toEqual([]);
    expect(late([madeAfter('1', 2 * SECOND)], { guessed })).toEqual(['1']);
  });

  it('takes none that bears the name of another attempt', () => {
    expect(late([madeAfter('1', 2 * SECOND, { name: 'Build other' })])).toEqual([]);
  });

  it('of more runs than attempts takes none that was made before the first claim', () => {
    expect(late([madeAfter('1', -3 * SECOND), madeAfter('2', 8 * SECOND)])).toEqual(['2']);
  });

  it('takes one run per attempt', () => {
    expect(late([madeAfter('1', 2 * SECOND), madeAfter('2', 9 * SECOND)])).toEqual(['1']);
  });
});
