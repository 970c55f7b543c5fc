import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { formatGoDuration, parseGoDuration } from './go-duration.ts';

describe('parseGoDuration', () => {
  it.each([
    ['60s', 60_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['1.1h', 3_960_000],
    ['100ms', 100],
    ['1h3m20.5s', 3_800_500],
    ['.5s', 500],
    ['1.s', 1_000],
    ['250us', 0.25],
    ['250\u00b5s', 0.25],
    ['250\u03bcs', 0.25],
    ['1ns', 0.000_001],
    ['-2m', -120_000],
    ['+2m', 120_000],
    ['0', 0],
    ['-0', 0],
    ['0s', 0],
    ['30m1h', 5_400_000],
  ])('reads %s as Go does', (text, ms) => {
    expect(parseGoDuration(text)).toBe(ms);
  });

  it.each([
    '',
    '60',
    '1.5',
    's',
    '.s',
    '1d',
    '1w',
    '1h 30m',
    ' 1h',
    '1H',
    'h1',
    '--1s',
    '1e3s',
    '300y',
    '3000000h',
  ])('does not take %j for a duration', (text) => {
    expect(parseGoDuration(text)).toBeUndefined();
  });
});

describe('formatGoDuration', () => {
  it.each([
    [0, '0s'],
    [45_000, '45s'],
    [300_000, '5m0s'],
    [3_600_000, '1h0m0s'],
    [86_400_000, '24h0m0s'],
    [3_800_500, '1h3m20.5s'],
    [100, '100ms'],
    [1.5, '1.5ms'],
    [0.25, '250\u00b5s'],
    [0.000_001, '1ns'],
    [-90_000, '-1m30s'],
    [60_001, '1m0.001s'],
  ])('prints %d ms as Go does', (ms, text) => {
    expect(formatGoDuration(ms)).toBe(text);
  });

  test.prop([fc.integer({ min: -10_000_000_000, max: 10_000_000_000 })])(
    'prints what is read back as the same duration',
    (ms) => {
      expect(parseGoDuration(formatGoDuration(ms))).toBe(ms);
    },
  );
});
