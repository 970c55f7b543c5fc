import { describe, expect, it } from 'vitest';
import { httpDate, isoSeconds, SimClock } from './clock.ts';

const START = 1_769_860_800_000;

function manualClock(): SimClock {
  return new SimClock({ mode: 'manual', startAt: START });
}

describe('a manual clock', () => {
  it('moves only by advance, and fires timers at their own time, in order', async () => {
    const clock = manualClock();
    const seen: string[] = [];
    const note = (what: string) => (): void => {
      seen.push(`${what}@${clock.now() - START}`);
    };
    clock.after(30, note('c'));
    clock.after(10, note('a'));
    clock.after(10, note('b'));
    clock.after(31, note('late'));
    await clock.advance(30);
    expect(seen).toEqual(['a@10', 'b@10', 'c@30']);
    expect(clock.now()).toBe(START + 30);
  });

  it('fires on the way what a timer has set', async () => {
    const clock = manualClock();
    const seen: number[] = [];
    clock.after(5, () => {
      clock.after(5, () => seen.push(clock.now() - START));
    });
    await clock.advance(10);
    expect(seen).toEqual([10]);
  });

  it('does not fire what was cancelled', async () => {
    const clock = manualClock();
    let fired = 0;
    clock.after(5, () => (fired += 1)).cancel();
    await clock.advance(10);
    expect(fired).toBe(0);
  });

  it('shows another time by its offset without moving any timer', async () => {
    const clock = manualClock();
    let fired = 0;
    clock.after(1_000, () => (fired += 1));
    clock.setOffset(-90_000);
    expect(clock.now()).toBe(START - 90_000);
    await clock.advance(1_000);
    expect(fired).toBe(1);
  });

  it('runs at once what needs no time', () => {
    const clock = manualClock();
    let fired = 0;
    clock.after(0, () => (fired += 1));
    expect(fired).toBe(1);
  });

  it('refuses to go back', async () => {
    await expect(manualClock().advance(-1)).rejects.toThrow('cannot advance by -1 ms');
  });
});

describe('a real clock', () => {
  it('goes on by itself and can be pushed', async () => {
    const clock = new SimClock({ mode: 'real', startAt: START });
    const soon = clock.sleep(1);
    const late = clock.sleep(3_600_000);
    await soon;
    await Promise.all([late, clock.advance(3_600_000)]);
    expect(clock.now()).toBeGreaterThanOrEqual(START + 3_600_001);
    clock.close();
  });
});

it('stamps are whole seconds, as GitHub writes them', () => {
  expect(isoSeconds(START + 999)).toBe('2026-01-31T12:00:00Z');
  expect(httpDate(START)).toBe('Sat, 31 Jan 2026 12:00:00 GMT');
});
