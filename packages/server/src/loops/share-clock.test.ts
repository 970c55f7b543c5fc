import { expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.testkit.ts';
import { makeLogger } from '../lib/logger.ts';
import { SharedClock } from '../lib/shared-clock.ts';
import { keepClockShared, shareClock } from './share-clock.ts';

/** A machine whose clock is ahead of the database's by so much, and how long the database takes to say so. */
function start(aheadMs: number, tookMs = 0) {
  const machine = new FakeClock();
  const clock = new SharedClock(machine);
  let database = machine.now() - aheadMs;
  const store = {
    now: async () => {
      database += tookMs;
      const now = database - tookMs / 2;
      await machine.advance(tookMs);
      return now;
    },
  };
  const deps = { store, clock, logger: makeLogger('silent') };
  return { machine, clock, deps, isRight: () => clock.now() === database };
}

it.each([300_000, -300_000])(
  'goes by the database’s clock, whose own is %i ms ahead',
  async (ms) => {
    const { clock, deps, isRight, machine } = start(ms, 50);
    await shareClock(deps);
    expect(isRight()).toBe(true);
    expect(clock.now()).toBe(machine.now() - ms);
  },
);

it('is left alone while it is right to two seconds, and what the answer took', async () => {
  for (const [aheadMs, tookMs] of [
    [2_000, 0],
    [-2_000, 0],
    [7_000, 10_000],
  ] as const) {
    const { machine, clock, deps } = start(aheadMs, tookMs);
    await shareClock(deps);
    expect(clock.now()).toBe(machine.now());
  }
});

it('is put right within half a minute after a step', async () => {
  const { machine, clock, deps } = start(0);
  const stop = new AbortController();
  const keeping = keepClockShared(deps, stop.signal);
  machine.step(3_600_000);
  const before = clock.now();
  await machine.advance(30_000);
  expect(clock.now()).toBeLessThan(before);
  stop.abort();
  await keeping;
});
