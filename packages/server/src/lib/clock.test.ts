import { describe, expect, it } from 'vitest';
import { FakeClock } from './clock.testkit.ts';
import { deadlineIn } from './clock.ts';

describe('a deadline', () => {
  it('is over when its time has passed on both clocks', async () => {
    const clock = new FakeClock();
    const deadline = deadlineIn(clock, 5_000);
    await clock.advance(4_999);
    expect(deadline.isOver()).toBe(false);
    await clock.advance(1);
    expect(deadline.isOver()).toBe(true);
  });

  it('is not lengthened by a wall clock that steps back', async () => {
    const clock = new FakeClock();
    const deadline = deadlineIn(clock, 5_000);
    clock.step(-60_000);
    await clock.advance(5_000);
    expect(deadline.isOver()).toBe(true);
  });

  it('is over when the wall clock alone has passed it', () => {
    const clock = new FakeClock();
    const deadline = deadlineIn(clock, 5_000);
    clock.step(5_000);
    expect(deadline.isOver()).toBe(true);
    expect(deadline.remainingMs()).toBe(0);
  });
});
