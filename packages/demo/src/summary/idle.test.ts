import { describe, expect, it } from 'vitest';
import type { DemoFacts } from './facts.ts';
import { longestIdle } from './idle.ts';
import { HandMadeLedger } from './ledger.testkit.ts';
import { matchRuns } from './runs.ts';

const idleOf = (facts: DemoFacts) => longestIdle(facts, matchRuns(facts));

describe('longest idle', () => {
  it('lasts from the later of 201 and the runner’s last end to the dispatch', () => {
    const ledger = new HandMadeLedger()
      .runner('r', 'x')
      .job('a', 10)
      .run('a', { dispatched: 40, started: 50, ended: 100, on: 'r' })
      .job('b', 20)
      .run('b', { dispatched: 170, started: 180, ended: 200, on: 'r' });
    expect(idleOf(ledger.facts())).toEqual({ ms: 70, runnerName: 'r', from: 100 });
  });

  it('does not count a runner that is spoken for until its job starts', () => {
    const ledger = new HandMadeLedger()
      .runner('r', 'x')
      .job('a', 0)
      .run('a', { dispatched: 10, started: 1_000, ended: 2_000, on: 'r' })
      .job('b', 0)
      .run('b', { dispatched: 2_005, started: 2_010, ended: 2_020, on: 'r' });
    expect(idleOf(ledger.facts())?.ms).toBe(10);
  });

  it('does not count a runner that lacks a label, and takes labels in any case', () => {
    const ledger = new HandMadeLedger().runner('small', 'x').runner('big', 'X', 'Y');
    ledger.job('a', 10, { labels: ['x', 'y'] });
    expect(idleOf(ledger.facts({ until: 60 }))).toEqual({ ms: 50, runnerName: 'big', from: 10 });
  });

  it('goes on while another fitting job waits, although it is not the same one', () => {
    const ledger = new HandMadeLedger()
      .runner('r', 'x')
      .runner('other', 'x', 'y')
      .job('a', 0)
      .run('a', { dispatched: 30, started: 31, ended: 500, on: 'other' })
      .job('b', 20)
      .run('b', { dispatched: 90, started: 91, ended: 500, on: 'r' });
    expect(idleOf(ledger.facts())).toMatchObject({ ms: 90, runnerName: 'r' });
  });

  it('leaves out the time in which the job was paused', () => {
    const ledger = new HandMadeLedger().runner('r', 'x');
    ledger.job('a', 0, { pausedSpans: [{ from: 10, to: 90 }] });
    expect(idleOf(ledger.facts({ until: 120 }))).toMatchObject({ ms: 30, from: 90 });
  });

  it('leaves out the time in which the runner was offline', () => {
    const ledger = new HandMadeLedger().runner('r', 'x').job('a', 0);
    ledger.ledger.runners[0]!.onlineSpans = [{ from: 0, to: 5 }, { from: 80 }];
    expect(idleOf(ledger.facts({ until: 100 }))?.ms).toBe(20);
  });

  it('is not there when every runner is used at once', () => {
    const ledger = new HandMadeLedger()
      .runner('r', 'x')
      .job('a', 10)
      .run('a', { dispatched: 10, started: 20, ended: 30, on: 'r' });
    expect(idleOf(ledger.facts())).toBeUndefined();
  });
});
