import { beforeEach, describe, expect, it } from 'vitest';
import { OwnLimits } from './own-limits.ts';

describe('a limit', () => {
  let now: number;
  let limits: OwnLimits;

  beforeEach(() => {
    now = 0;
    limits = new OwnLimits({ clock: { monotonic: () => now }, rememberedMs: 1_000 });
  });

  it('is nobody’s own once one that met it goes through, whoever else did', () => {
    expect([limits.meet('a'), limits.meet('b')]).toEqual([false, false]);
    expect(limits.pass('c')).toEqual([]);
    expect(limits.pass('b')).toEqual(['a']);
    expect([limits.pass('a'), limits.meet('a')]).toEqual([[], false]);
  });

  it('is its own if others that met none go through between two of them', () => {
    expect([limits.meet('a'), limits.meet('a'), limits.meet('b')]).toEqual([false, false, false]);
    limits.pass('c');
    expect([limits.meet('a'), limits.meet('a'), limits.meet('b')]).toEqual([true, true, true]);
  });

  it('of its own is so again for a while after it went through: a quota lets a few through, then stops all else', () => {
    limits.meet('a');
    limits.pass('c');
    limits.pass('a');
    now = 999;
    expect(limits.meet('a')).toBe(true);
    limits.pass('a');
    now = 1_999;
    expect(limits.meet('a')).toBe(false);
  });

  it('of its own stays so when another comes through one that it met later: it would stop all else once more each time', () => {
    limits.meet('bad');
    limits.pass('c');
    now = 61_000;
    limits.meet('a');
    limits.meet('b');
    expect(limits.pass('a')).toEqual(['b']);
    expect(limits.listOwn()).toEqual(['bad']);
    expect(limits.meet('bad')).toBe(true);
  });

  it('that was nobody’s own is not remembered', () => {
    limits.meet('a');
    limits.pass('a');
    expect(limits.meet('a')).toBe(false);
  });
});
