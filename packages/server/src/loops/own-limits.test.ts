import { describe, expect, it } from 'vitest';
import { OwnLimits } from './own-limits.ts';

describe('a limit', () => {
  it('is nobody’s own once one that met it goes through, whoever else did', () => {
    const limits = new OwnLimits();
    expect([limits.meet('a'), limits.meet('b')]).toEqual([false, false]);
    expect(limits.pass('c')).toEqual([]);
    expect(limits.pass('b')).toEqual(['a']);
    expect([limits.pass('a'), limits.meet('a')]).toEqual([[], false]);
  });

  it('is its own if others that met none go through between two of them', () => {
    const limits = new OwnLimits();
    expect([limits.meet('a'), limits.meet('a'), limits.meet('b')]).toEqual([false, false, false]);
    limits.pass('c');
    expect([limits.meet('a'), limits.meet('a'), limits.meet('b')]).toEqual([true, true, true]);
  });

  it('is no longer its own once it goes through', () => {
    const limits = new OwnLimits();
    limits.meet('a');
    limits.pass('c');
    expect([limits.pass('a'), limits.meet('a')]).toEqual([[], false]);
  });
});
