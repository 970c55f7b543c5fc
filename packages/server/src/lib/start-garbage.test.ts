import { describe, expect, it } from 'vitest';
import { releaseStartGarbage } from './start-garbage.ts';

describe('releasing what the start has left', () => {
  it('collects what nobody holds, and nothing else', async () => {
    const held = { name: 'held' };
    const kept = new WeakRef(held);
    const dropped = new WeakRef({ name: 'dropped' });
    await releaseStartGarbage();
    expect(dropped.deref()).toBeUndefined();
    expect(kept.deref()).toBe(held);
  });

  it('leaves no collector behind that code could call', async () => {
    const before = globalThis.gc;
    await releaseStartGarbage();
    expect(globalThis.gc).toBe(before);
  });
});
