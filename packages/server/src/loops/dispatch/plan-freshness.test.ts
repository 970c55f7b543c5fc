import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { PlanFreshness } from './plan-freshness.ts';

const free = { status: 'online', isBusy: false, labels: ['linux'] };
const busy = { ...free, isBusy: true };
const offline = { ...free, status: 'offline' };
const changed = (from: object | null, to: object) => {
  return { kind: 'runner.changed', data: { from, to } } as const;
};
const attemptChanged = { kind: 'attempt.changed', data: {} } as const;

function start() {
  const clock = new FakeClock();
  const freshness = new PlanFreshness(clock);
  const make = async (tookMs: number, meanwhile: Parameters<PlanFreshness['note']>[0][] = []) => {
    freshness.begin();
    for (const event of meanwhile) freshness.note(event);
    await clock.advance(tookMs);
    freshness.noteMade();
  };
  return { clock, freshness, make };
}

describe('a plan', () => {
  it.each([
    ['a runner that became busy', changed(free, busy)],
    ['a runner that went offline', changed(free, offline)],
    ['a free runner with other labels', changed(free, { ...free, labels: ['windows'] })],
    ['a runner that is gone', { kind: 'runner.gone', data: {} } as const],
    ['an attempt that may keep a runner now', attemptChanged],
  ])('is made anew after %s', async (_, event) => {
    const { freshness, make } = start();
    await make(10);
    expect(freshness.mayGoOn()).toBe(true);
    freshness.note(event);
    expect(freshness.mayGoOn()).toBe(false);
  });

  it.each([
    ['a runner that was freed', changed(busy, free)],
    ['a new one', changed(null, free)],
    ['one that was busy and went offline', changed(busy, offline)],
    ['a job that ended', { kind: 'job.completed', data: {} } as const],
  ])('goes on after %s: that takes no runner away', async (_, event) => {
    const { freshness, make } = start();
    await make(10, [event]);
    expect(freshness.mayGoOn()).toBe(true);
  });

  it('that follows one lost before anything was sent is sent by for as long as it took, however often runners change', async () => {
    const { clock, freshness, make } = start();
    await make(150, [attemptChanged]);
    expect(freshness.mayGoOn()).toBe(false);
    await make(150, [attemptChanged]);
    expect(freshness.mayGoOn()).toBe(true);
    await clock.advance(149);
    expect(freshness.mayGoOn()).toBe(true);
    await clock.advance(1);
    expect(freshness.mayGoOn()).toBe(false);
    // By that one something was sent: the next is thrown away as ever.
    await make(150, [attemptChanged]);
    expect(freshness.mayGoOn()).toBe(false);
  });

  it('of no length sends one job all the same', async () => {
    const { freshness, make } = start();
    await make(0, [attemptChanged]);
    expect(freshness.mayGoOn()).toBe(false);
    await make(0, [attemptChanged]);
    expect([freshness.mayGoOn(), freshness.mayGoOn()]).toEqual([true, false]);
  });
});
