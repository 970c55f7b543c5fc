import { describe, expect, it } from 'vitest';
import { HandMadeLedger } from './ledger.testkit.ts';
import { percentiles, summarise } from './summary.ts';
import { summaryLines } from './text.ts';

/** One runner, two jobs of 100 ms, `gapMs` between the first’s end and the second’s dispatch. */
function twoJobs(gapMs: number): HandMadeLedger {
  const second = 1_110 + gapMs;
  return new HandMadeLedger()
    .runner('r', 'x')
    .job('a', 1_000)
    .run('a', { dispatched: 1_000, started: 1_010, ended: 1_110, on: 'r' })
    .job('b', 1_000)
    .run('b', { dispatched: second, started: second + 10, ended: second + 110, on: 'r' });
}

describe('summary', () => {
  it('takes all figures from the ledger', () => {
    const summary = summarise(twoJobs(20).facts({ dispatchToStartMs: 10 }));
    expect(summary).toMatchObject({
      accepted: 2,
      waits: { p50: 10, p95: 140, max: 140 },
      dispatchLatency: { p50: 0, p95: 20, max: 20 },
      spanMs: 240,
      utilisation: 200 / 240,
      longestIdle: { ms: 20, runnerName: 'r' },
      makespan: { ms: 240, idealMs: 220 },
      forgeCallsPerJob: 1,
      failures: [],
    });
    expect([...summary.endings]).toEqual([['completed', 2]]);
  });

  it('fails on a runner that idled too long and on a makespan too far from the ideal', () => {
    const { failures } = summarise(twoJobs(5_001).facts());
    expect(failures).toHaveLength(2);
    expect(failures[0]).toContain('idled 5001 ms');
    expect(failures[1]).toContain('makespan');
  });

  it('judges only lost and doubled when the server was killed', () => {
    expect(summarise(twoJobs(5_001).facts({ kills: 1 })).failures).toEqual([]);
    const lost = summarise(twoJobs(0).job('c', 1_000).facts({ kills: 1 }));
    expect(lost.failures).toEqual(['lost: c']);
  });

  it('measures no makespan where the work was not to end', () => {
    expect(summarise(twoJobs(0).facts({ isComplete: false })).makespan).toBeUndefined();
  });

  it('stands empty without a single job', () => {
    const summary = summarise(new HandMadeLedger().runner('r', 'x').facts());
    expect(summary).toMatchObject({ accepted: 0, spanMs: 0, utilisation: 0, failures: [] });
    expect(summary.waits).toEqual({ p50: undefined, p95: undefined, max: undefined });
    expect(summaryLines(summary).join('\n')).not.toContain('NaN');
  });

  it('takes percentiles by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(percentiles(hundred)).toEqual({ p50: 50, p95: 95, max: 100 });
    expect(percentiles([7])).toEqual({ p50: 7, p95: 7, max: 7 });
  });
});

describe('summary text', () => {
  it('ends with the verdict', () => {
    const text = (facts: Parameters<typeof summarise>[0]) => summaryLines(summarise(facts)).at(-1);
    expect(text(twoJobs(0).facts())).toBe('OK  nothing lost, nothing doubled');
    expect(text(twoJobs(0).facts({ kills: 2 }))).toContain('not judged');
    expect(text(twoJobs(0).job('c', 9_000).facts({ until: 9_001 }))).toBe('FAILED  lost: c');
  });

  it('says how the ideal is made', () => {
    const lines = summaryLines(summarise(twoJobs(0).facts({ dispatchToStartMs: 1_570 })));
    expect(lines.join('\n')).toMatch(/ideal: .*list scheduling.*1\.6 s/s);
  });
});
