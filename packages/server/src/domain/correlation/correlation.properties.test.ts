import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attempt, CLAIMED_AT } from '../attempt.testkit.ts';
import { namedAt } from './clusters.ts';
import { MINUTE, madeAfter, passedBy, SECOND, sentAfter, TIMING } from './correlation.testkit.ts';
import { type CorrelationInput, correlate } from './correlation.ts';
import type { CandidateRun, SearchedAttempt } from './window.ts';

const anyKey = fc
  .record({
    attempts: fc.array(
      fc.record({
        at: fc.nat(4 * MINUTE),
        state: fc.constantFrom('unknown' as const, 'unknown' as const, 'accepted' as const),
        isNamed: fc.constantFrom(false, false, true),
        inputsHash: fc.constantFrom('one', 'one', 'one', 'two'),
        uncertaintyMs: fc.constantFrom(0, 0, 700, MINUTE),
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
        headSha: fc.constantFrom('plain', 'plain', 'named'),
      }),
      { maxLength: 6 },
    ),
    isSending: fc.constantFrom(false, false, false, true),
    isComplete: fc.constantFrom(true, true, true, false),
    listedAfter: fc.nat(12 * MINUTE),
  })
  .map(({ attempts, runs, isSending, isComplete, listedAfter }): CorrelationInput => {
    const sentAt = CLAIMED_AT + listedAfter;
    const sent = attempts.map(({ at, ...rest }, i) => {
      const correlationInput = rest.isNamed ? 'dispatch-id' : null;
      return sentAfter(`attempt-${i}`, at, { ...rest, correlationInput });
    });
    return {
      attempts: sent,
      namedCommits: new Set([namedAt('dispatch-id', 'named')]),
      sending: isSending ? [attempt('attempt-sending')] : [],
      rivals: [],
      acceptedByTime: [],
      knownIds: { open: isSending ? ['attempt-sending'] : [], settled: [] },
      runs: runs.map(({ at, names, actor, headSha }, i) =>
        madeAfter(String(i), at, {
          actor,
          headSha,
          name: names === null ? 'CI' : `CI attempt-${names}`,
        }),
      ),
      elsewhere: [],
      listing: {
        ...{ sentAt, isComplete, createdSince: 0 },
        readableMs: new Map(sent.map(({ id }) => [id, Infinity])),
        passedMs: passedBy(sentAt, sent),
      },
      timing: TIMING,
    };
  });

const matchesOf = (input: CorrelationInput) =>
  correlate(input).flatMap((one) => (one.kind === 'match' ? [one] : []));

/** By what a run shows, it may be this attempt's. */
function mayBeOf(
  sent: SearchedAttempt,
  { createdAt, actor, name, headSha }: CandidateRun,
): boolean {
  const unsureMs = sent.uncertaintyMs;
  return (
    name === 'CI' &&
    actor !== 'someone' &&
    !(sent.isNamed && headSha === 'named') &&
    createdAt >= sent.claimedAt - SECOND - unsureMs &&
    createdAt <= sent.claimedAt + 95 * SECOND + unsureMs
  );
}

function pairIn(
  { attempts, runs }: CorrelationInput,
  { attemptId, runId }: { readonly attemptId: string; readonly runId: string },
): { readonly sent: SearchedAttempt; readonly made: CandidateRun } {
  const [sent] = attempts.filter(({ id }) => id === attemptId);
  const [made] = runs.filter(({ id }) => id === runId);
  if (sent === undefined || made === undefined)
    throw new Error(`${attemptId} or ${runId} is not there`);
  return { sent, made };
}

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
        const pairs = matchesOf(input)
          .filter(({ matchedBy }) => matchedBy === 'order')
          .map((match) => pairIn(input, match));
        for (const { sent, made } of pairs) {
          const unsureMs = Math.min(sent.uncertaintyMs, 5 * SECOND);
          const afterMs = made.createdAt - sent.claimedAt;
          expect(afterMs).toBeGreaterThanOrEqual(-SECOND - unsureMs);
          expect(afterMs).toBeLessThanOrEqual(95 * SECOND + unsureMs);
          expect(sent.isNamed).toBe(false);
        }
        expect(pairs.length > 0 && input.sending.length > 0).toBe(false);
        expect(pairs.length > 0 && !input.listing.isComplete).toBe(false);
        for (const a of pairs) {
          for (const b of pairs) {
            if (a.sent.claimedAt < b.sent.claimedAt) {
              expect(a.made.createdAt).toBeLessThanOrEqual(b.made.createdAt);
            }
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never matches by time where a run may be that of a job with other inputs', () => {
    fc.assert(
      fc.property(anyKey, (input) => {
        const named = new Set(
          matchesOf(input).flatMap((one) => (one.matchedBy === 'input' ? [one.attemptId] : [])),
        );
        for (const match of matchesOf(input)) {
          if (match.matchedBy === 'input') continue;
          const { sent, made } = pairIn(input, match);
          const rivals = input.attempts.filter(
            (one) => !named.has(one.id) && one.inputsHash !== sent.inputsHash && mayBeOf(one, made),
          );
          expect(rivals).toEqual([]);
        }
      }),
      { numRuns: 1_000 },
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
          const sent = input.attempts.find(({ id }) => id === attemptId);
          if (kind !== 'absent' || sent === undefined) continue;
          const left = input.runs.filter((one) => !taken.has(one.id) && mayBeOf(sent, one));
          expect(left).toEqual([]);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
