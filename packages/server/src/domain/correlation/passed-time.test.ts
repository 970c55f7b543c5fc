import fc from 'fast-check';
import { expect, it } from 'vitest';
import { attempt, CLAIMED_AT } from '../attempt.testkit.ts';
import { passedSinceDeadlineMs } from './passed-time.ts';

const DEADLINE_MS = 5_000;
const HOUR_MS = 3_600_000;

/** Asked so long after the claim, with clocks that were put on by so much since. */
const passed = (afterMs: number, steps: { ours?: number; forges?: number; knownForMs?: number }) =>
  passedSinceDeadlineMs(attempt('a'), {
    sentAt: CLAIMED_AT + afterMs + (steps.ours ?? 0),
    forgeSentAt: CLAIMED_AT + afterMs + (steps.forges ?? 0),
    knownForMs: steps.knownForMs ?? 0,
  });

it('is what both clocks say', () => {
  expect(passed(65_000, {})).toBe(60_000);
  expect(passed(1_000, {})).toBe(-4_000);
});

it('is no more for a clock that was put forward', () => {
  expect(passed(65_000, { forges: HOUR_MS })).toBe(60_000);
  expect(passed(65_000, { ours: HOUR_MS })).toBe(60_000);
});

it('is what this process has waited where a clock was put back', () => {
  expect(passed(65_000, { forges: -HOUR_MS, knownForMs: 64_000 })).toBe(59_000);
  expect(passed(65_000, { ours: -HOUR_MS, knownForMs: 64_000 })).toBe(59_000);
});

const step = fc.oneof(fc.constant(0), fc.integer({ min: -HOUR_MS, max: HOUR_MS }));

it('is never more than what has passed while one clock at least was not put forward, nor less than what was waited', () => {
  fc.assert(
    fc.property(
      fc.nat(2 * HOUR_MS),
      fc.nat(100),
      step,
      step.map((ms) => Math.min(0, ms)),
      fc.boolean(),
      (afterMs, knownPercent, one, other, isForges) => {
        const knownForMs = (afterMs * knownPercent) / 100;
        const steps = isForges ? { forges: one, ours: other } : { ours: one, forges: other };
        const surely = passed(afterMs, { ...steps, knownForMs });
        expect(surely).toBeLessThanOrEqual(afterMs - DEADLINE_MS);
        expect(surely).toBeGreaterThanOrEqual(knownForMs - DEADLINE_MS);
      },
    ),
  );
});
