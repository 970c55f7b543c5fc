import { describe, expect, it } from 'vitest';
import { tableOf } from './chaos-table.js';

describe('the table of a chaos run', () => {
  it('has the counts of each scenario that ran, under its name', () => {
    const assertionResults = [
      {
        title: 'kill:sqlite many',
        status: 'passed',
        duration: 1_234,
        meta: { chaosCounts: { kills: 50 } },
      },
      { title: 'clock:ahead by much', status: 'failed', duration: 100, meta: {} },
      { title: 'left:out', status: 'skipped', meta: {} },
    ];
    expect(tableOf(JSON.stringify({ testResults: [{ assertionResults }] })).split('\n')).toEqual([
      'kill:sqlite  passed  1.2 s',
      '             kills      50',
      'clock:ahead  failed  0.1 s',
    ]);
  });

  it('is empty when nothing ran', () => {
    expect(tableOf('{"testResults":[]}')).toBe('');
  });
});
