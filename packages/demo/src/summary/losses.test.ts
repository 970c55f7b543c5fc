import { describe, expect, it } from 'vitest';
import type { DemoFacts } from './facts.ts';
import { HandMadeLedger } from './ledger.testkit.ts';
import { findLosses } from './losses.ts';
import { matchRuns } from './runs.ts';

const lossesOf = (facts: DemoFacts) => findLosses(facts, matchRuns(facts));
const at = { dispatched: 1, started: 2, ended: 3, on: 'r' };
const oneRun = () => new HandMadeLedger().runner('r', 'x').job('a', 0).run('a', at);

describe('losses', () => {
  it('are none when each job has one run and names it', () => {
    expect(lossesOf(oneRun().facts())).toEqual({ lost: [], doubled: [], mixedUp: [] });
  });

  it('call a job lost that did not end, although all were to', () => {
    const ledger = oneRun().job('b', 0);
    expect(lossesOf(ledger.facts()).lost).toEqual(['b']);
    expect(lossesOf(ledger.facts({ isComplete: false })).lost).toEqual([]);
  });

  it('call a job lost that ended without a run, or that the server has forgotten', () => {
    const ledger = oneRun().job('b', 0, { status: 'failed' }).job('c', 0, { status: 'unknown' });
    expect(lossesOf(ledger.facts({ isComplete: false })).lost).toEqual(['b', 'c']);
  });

  it('call a job doubled that has two runs', () => {
    const ledger = oneRun();
    ledger.bareRun('a', 50);
    expect(lossesOf(ledger.facts()).doubled).toEqual(['a']);
  });

  it('call a run doubled that no job owns', () => {
    const ledger = oneRun();
    const stray = ledger.bareRun('', 50);
    expect(lossesOf(ledger.facts()).doubled).toEqual([`run ${stray.id}`]);
    expect(lossesOf(ledger.facts({ otherRunIds: [stray.id] })).doubled).toEqual([]);
  });

  it('let somebody add a job with the inputs of one of ours', () => {
    const ledger = oneRun();
    const copy = ledger.bareRun('a', 50);
    expect(lossesOf(ledger.facts({ otherRunIds: [copy.id] })).doubled).toEqual([]);
  });

  it('call two jobs mixed up that name each other’s run', () => {
    const ledger = oneRun().job('b', 0).run('b', at);
    const [first, second] = ledger.jobs;
    ledger.jobs[0] = { ...first!, runId: second!.runId };
    expect(lossesOf(ledger.facts())).toEqual({ lost: [], doubled: [], mixedUp: ['a'] });
  });
});
