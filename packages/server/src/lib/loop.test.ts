import { describe, expect, it } from 'vitest';
import { FakeClock } from './clock.testkit.ts';
import { runLoop, Wake } from './loop.ts';

function start(tick: () => Promise<void>, everyMs = 1_000) {
  const clock = new FakeClock();
  const wake = new Wake();
  const stop = new AbortController();
  const errors: unknown[] = [];
  const done = runLoop(tick, {
    clock,
    wake,
    everyMs,
    signal: stop.signal,
    onError: (error) => errors.push(error),
  });
  return { clock, wake, stop, errors, done };
}

describe('a loop', () => {
  it('ticks at once, then after each interval', async () => {
    let ticks = 0;
    const loop = start(() => Promise.resolve(void (ticks += 1)));
    await loop.clock.advance(0);
    expect(ticks).toBe(1);
    await loop.clock.advance(999);
    expect(ticks).toBe(1);
    await loop.clock.advance(1);
    expect(ticks).toBe(2);
    loop.stop.abort();
    await loop.done;
    expect(loop.clock.pendingTimers).toBe(0);
  });

  it('answers a notification at once, and a burst of them at most every 20 ms', async () => {
    let ticks = 0;
    const loop = start(() => Promise.resolve(void (ticks += 1)));
    await loop.clock.advance(100);
    loop.wake.notify();
    await loop.clock.advance(0);
    expect(ticks).toBe(2);
    for (let i = 0; i < 10; i += 1) {
      loop.wake.notify();
      await loop.clock.advance(2);
    }
    expect(ticks).toBe(3);
    loop.stop.abort();
    await loop.done;
  });

  it('remembers a notification that comes during a tick', async () => {
    const ticks: (() => void)[] = [];
    const loop = start(() => new Promise((resolve) => ticks.push(resolve)));
    await loop.clock.advance(0);
    loop.wake.notify();
    ticks[0]?.();
    await loop.clock.advance(20);
    expect(ticks).toHaveLength(2);
    loop.stop.abort();
    ticks[1]?.();
    await loop.done;
  });

  it('goes on after a tick that failed, and tells', async () => {
    let ticks = 0;
    const loop = start(() => {
      ticks += 1;
      return Promise.reject(new Error('once'));
    });
    await loop.clock.advance(1_000);
    expect(ticks).toBe(2);
    expect(loop.errors).toHaveLength(2);
    loop.stop.abort();
    await loop.done;
  });

  it('ends when told to while it waits', async () => {
    const loop = start(() => Promise.resolve());
    await loop.clock.advance(500);
    loop.stop.abort();
    await loop.done;
    expect(loop.clock.pendingTimers).toBe(0);
  });
});
