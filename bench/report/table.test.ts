import { describe, expect, it } from 'vitest';
import { atLeast, atMost, isMet, ratioToBudget } from './figure.ts';
import { figureTable, number } from './table.ts';

describe('a budget', () => {
  it('is met at its limit and not beyond', () => {
    expect(isMet(100, atMost(100))).toBe(true);
    expect(isMet(100.1, atMost(100))).toBe(false);
    expect(isMet(2_000, atLeast(2_000))).toBe(true);
    expect(isMet(1_999, atLeast(2_000))).toBe(false);
  });

  it('has a ratio that is smaller when better, whichever way it looks', () => {
    expect(ratioToBudget(50, atMost(100))).toBe(0.5);
    expect(ratioToBudget(4_000, atLeast(2_000))).toBe(0.5);
  });
});

describe('the table', () => {
  const table = figureTable(
    [
      { row: 'a', name: 'fast', value: 12.34, unit: 'ms', budget: atMost(10) },
      { row: 'b', name: 'plain', on: 'SQLite', value: 2_140.4, unit: '/s', note: '3 runs' },
    ],
    [{ row: 'c', name: 'none', reason: 'not today' }],
  ).split('\n');

  it('says for each figure its budget, the ratio, and whether it is met', () => {
    expect(table[2]).toMatch(/^\| a .*\| +12\.3 ms \| +≤ 10 \| +1\.23 \| MISS +\|/);
  });

  it('judges nothing that has no budget', () => {
    expect(table[3]).toMatch(/SQLite .* 2,140 \/s \| +\| +\| +\| 3 runs/);
  });

  it('names what was skipped and why', () => {
    expect(table[4]).toMatch(/none .* skipped \| not today/);
  });

  it('has lines of one length', () => {
    expect(new Set(table.map((line) => line.length)).size).toBe(1);
  });
});

it.each([
  [0.4237, '0.42'],
  [12.345, '12.3'],
  [2_140.4, '2,140'],
  [-3.21, '-3.21'],
])('writes %d as %s', (value, text) => {
  expect(number(value)).toBe(text);
});
