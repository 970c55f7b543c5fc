import { beforeEach, describe, expect, it } from 'vitest';
import { GrowingPauses } from './growing-pauses.ts';

const MINUTE_MS = 60_000;
const STOP_MS = 13 * MINUTE_MS;

describe('growing pauses', () => {
  let now: number;
  let pauses: GrowingPauses;

  beforeEach(() => {
    now = 0;
    const clock = { monotonic: () => now };
    pauses = new GrowingPauses({ clock, firstMs: 2 * MINUTE_MS, longestMs: 15 * MINUTE_MS });
  });

  function untilOver(): number {
    const from = now;
    while (!pauses.isOver('a')) now += 1_000;
    return (now - from) / MINUTE_MS;
  }

  function pauseMinutes(afterMs?: number): number {
    pauses.noteInVain('a', afterMs);
    return untilOver();
  }

  it('doubles with each time in vain, up to the longest, and begins anew once it was forgotten', () => {
    expect([1, 2, 3, 4, 5].map(() => pauseMinutes())).toEqual([2, 4, 8, 15, 15]);
    pauses.forget('a');
    expect(pauseMinutes()).toBe(2);
  });

  it('is over with a success, and begins anew after one', () => {
    pauseMinutes();
    pauses.noteInVain('a');
    pauses.succeed('a');
    expect(pauses.isOver('a')).toBe(true);
    expect([1, 2].map(() => pauseMinutes())).toEqual([2, 4]);
  });

  it('is as long as the stop where it met one lately, whether or not it succeeded since', () => {
    pauseMinutes(STOP_MS);
    pauses.succeed('a');
    now += 14 * MINUTE_MS;
    expect(pauseMinutes(STOP_MS)).toBe(13 + 13);
    pauses.succeed('a');
    now += 15 * MINUTE_MS;
    expect(pauseMinutes(STOP_MS)).toBe(13 + 2);
  });

  it('begins at the end of the stop, which the first time may have been for something else', () => {
    expect(pauseMinutes(STOP_MS)).toBe(13 + 2);
  });

  it('is as long as the stop from the second time on: two thirds of an hour were stops where it was 2, 4 and 8 minutes', () => {
    pauseMinutes(STOP_MS);
    expect([1, 2].map(() => pauseMinutes(STOP_MS))).toEqual([13 + 13, 13 + 15]);
  });
});
