import { describe, expect, it } from 'vitest';
import { releaseStartGarbage } from './start-garbage.ts';

/** What a WeakRef has been asked for lives until the turn is over. */
const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

describe('releasing what the start has left', () => {
  it('collects what nobody holds, and nothing else', async () => {
    const held = { name: 'held' };
    const kept = new WeakRef(held);
    const dropped = new WeakRef({ name: 'dropped' });
    await nextTurn();
    releaseStartGarbage();
    expect(dropped.deref()).toBeUndefined();
    expect(kept.deref()).toBe(held);
  });

  it('leaves no collector behind that code could call', () => {
    const before = globalThis.gc;
    releaseStartGarbage();
    expect(globalThis.gc).toBe(before);
  });
});
