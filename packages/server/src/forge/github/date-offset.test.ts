import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { DateOffsetEstimator } from './date-offset.ts';

const noon = Date.UTC(2026, 0, 1, 12);
/** A machine whose monotonic clock stands still: where its wall clock moves, somebody has put it there. */
function openMachine() {
  const clock = { wall: noon, mono: 0, now: () => clock.wall, monotonic: () => clock.mono };
  const estimator = new DateOffsetEstimator(clock);
  return {
    clock,
    offset: () => estimator.offset(),
    forgeNow: () => estimator.forgeNow(),
    observe: (date: string | undefined, sentAt: number, receivedAt: number) => {
      clock.wall = receivedAt;
      estimator.observe(date, sentAt, receivedAt);
    },
  };
}

function header(epochMs: number): string {
  return new Date(epochMs).toUTCString();
}

describe('the offset of the forge’s clock', () => {
  it('is unknown within a minute before the first answer', () => {
    expect(openMachine().offset()).toEqual({ offsetMs: 0, uncertaintyMs: 60_000 });
  });

  it('is known within half a second and half the round trip after one answer', () => {
    const estimator = openMachine();
    estimator.observe(header(noon + 90_000), noon, noon + 200);
    expect(estimator.offset()).toEqual({ offsetMs: 90_400, uncertaintyMs: 600 });
  });

  it('ignores headers that are missing or no dates', () => {
    const estimator = openMachine();
    estimator.observe(undefined, noon, noon);
    estimator.observe('soon', noon, noon);
    expect(estimator.offset().uncertaintyMs).toBe(60_000);
  });

  it('ignores an answer during which our clock was stepped back', () => {
    const estimator = openMachine();
    estimator.observe(header(noon), noon, noon - 3_600_000);
    expect(estimator.offset().uncertaintyMs).toBe(60_000);
  });

  it('starts anew when two answers contradict the others: the forge’s clock was stepped', () => {
    const estimator = openMachine();
    estimator.observe(header(noon), noon, noon);
    estimator.observe(header(noon + 120_000), noon, noon);
    expect(estimator.offset().offsetMs).toBe(500);
    estimator.observe(header(noon + 120_000), noon + 200, noon + 200);
    expect(estimator.offset()).toMatchObject({ offsetMs: 120_400, uncertaintyMs: 400 });
  });

  it('tells what the forge’s clock had shown at the most before it was put back', () => {
    const { observe, offset } = openMachine();
    observe(header(noon + 180_000), noon, noon);
    expect(offset().hadShown).toBeUndefined();
    for (const ms of [1_000, 2_000]) observe(header(noon + ms), noon + ms, noon + ms);
    const { hadShown = 0 } = offset();
    expect(hadShown).toBeGreaterThanOrEqual(noon + 181_000);
    expect(hadShown).toBeLessThanOrEqual(noon + 183_000);
  });

  it('is not moved by one odd answer, nor by several that do not agree', () => {
    const estimator = openMachine();
    estimator.observe(header(noon), noon, noon);
    for (const oddMs of [120_000, -3_600_000, 120_000]) {
      estimator.observe(header(noon + oddMs), noon, noon);
    }
    expect(estimator.offset().offsetMs).toBe(500);
    estimator.observe(header(noon), noon, noon);
    estimator.observe(header(noon + 120_000), noon, noon);
    expect(estimator.offset()).toEqual({ offsetMs: 500, uncertaintyMs: 500 });
  });

  it('starts anew at once when our own clock was stepped', () => {
    const estimator = openMachine();
    estimator.observe(header(noon), noon, noon);
    estimator.observe(header(noon), noon + 3_600_000, noon + 3_600_000);
    expect(estimator.offset()).toEqual({ offsetMs: -3_599_500, uncertaintyMs: 500 });
  });

  it('is right at once, without an answer, when our own clock was put back', () => {
    const estimator = openMachine();
    estimator.observe(header(noon), noon, noon);
    estimator.clock.wall = noon - 600_000;
    expect(estimator.offset()).toEqual({ offsetMs: 600_500, uncertaintyMs: 500 });
  });

  it('is either, when our own clock was put forward, or the machine was asleep', () => {
    const estimator = openMachine();
    estimator.observe(header(noon), noon, noon);
    estimator.clock.wall = noon + 600_000;
    expect(estimator.offset()).toEqual({ offsetMs: -299_500, uncertaintyMs: 300_500 });
  });

  it('grows less certain with the drift of quartz clocks', () => {
    const estimator = openMachine();
    estimator.observe(header(noon), noon, noon);
    estimator.clock.mono = 3_600_000;
    estimator.clock.wall = noon + 3_600_000;
    expect(estimator.offset().uncertaintyMs).toBe(500 + 720);
  });

  it('shows the forge’s time whatever our wall clock is set to meanwhile', () => {
    const dayMs = 86_400_000;
    const estimator = openMachine();
    expect(estimator.forgeNow()).toBeUndefined();
    estimator.observe(header(noon + 90_000), noon, noon);
    expect(estimator.forgeNow()).toBe(noon + 90_000);
    estimator.clock.mono = dayMs;
    const shown = estimator.forgeNow() ?? 0;
    expect(noon + 90_000 + dayMs - shown).toBeLessThanOrEqual(20_000);
    // Set forward by 400 days while an answer was on its way: that answer is a poor witness.
    estimator.observe(header(noon + 90_000 + dayMs), noon + dayMs, noon + 401 * dayMs);
    expect(estimator.forgeNow()).toBeLessThanOrEqual(noon + 90_000 + dayMs);
    estimator.observe(header(noon + 90_000 + dayMs), noon + 401 * dayMs, noon + 401 * dayMs);
    expect(estimator.forgeNow()).toBe(noon + 90_000 + dayMs);
  });

  test.prop([
    fc.integer({ min: -3_600_000, max: 3_600_000 }),
    fc.array(
      fc.record({
        at: fc.integer({ min: 0, max: 600_000 }),
        outMs: fc.integer({ min: 0, max: 500 }),
        backMs: fc.integer({ min: 0, max: 500 }),
      }),
      { minLength: 1, maxLength: 30 },
    ),
  ])('always holds the true offset within its uncertainty', (trueOffsetMs, answers) => {
    const estimator = openMachine();
    const receivedAt = ({ at, outMs, backMs }: (typeof answers)[number]) => at + outMs + backMs;
    for (const answer of answers.toSorted((a, b) => receivedAt(a) - receivedAt(b))) {
      const { at, outMs, backMs } = answer;
      estimator.clock.mono = receivedAt(answer);
      const sentAt = noon + at;
      const stamped = Math.floor((sentAt + outMs + trueOffsetMs) / 1_000) * 1_000;
      estimator.observe(header(stamped), sentAt, sentAt + outMs + backMs);
    }
    const { offsetMs, uncertaintyMs } = estimator.offset();
    expect(Math.abs(offsetMs - trueOffsetMs)).toBeLessThanOrEqual(uncertaintyMs + 1);
  });
});
