import { expect } from 'vitest';
import { acme, LONG } from '../../harness/scenes.ts';
import { sqlite } from '../../harness/world.ts';
import { judge } from '../../processes/judge/judge.ts';
import { listAttempts } from '../../processes/rows.ts';
import { Site } from '../../processes/site.ts';
import { chaos } from '../chaos.ts';

/** Far beyond the lookup timeout: by then each of them has been called absent. */
const VISIBLE_AFTER_MS = 7_000;

const IMPATIENT = {
  github: { request_timeout: '1s' },
  dispatcher: { send_deadline: '500ms', run_lookup_timeout: '2500ms', recheck_after: '300ms' },
  waits: { forge_breaker: '600ms', cancel_retry: '300ms' },
};

chaos(
  'faults:late-run a run that shows up after its dispatch was given up is cancelled and counted',
  async (context) => {
    const count = context.size === 'full' ? 8 : 2;
    const forge = acme(2 * count);
    const site = await Site.open({ database: sqlite, forge, config: IMPATIENT }, context);
    const { sim, api } = site;
    await site.start();
    sim.addFault({ on: 'dispatch', kind: 'reset-after', times: count });
    sim.setRunVisibility({ delayMs: VISIBLE_AFTER_MS });
    const notes = Array.from({ length: count }, (_, index) => `job ${index + 1}`);
    const jobs = await site.enqueue(notes, LONG);
    await site.runs(count);
    const lost = new Set(site.ourRuns().map(({ id }) => id));
    sim.setRunVisibility({ delayMs: 0 });
    const seen = await Promise.all(jobs.map(({ id }) => site.job(id, 'running')));
    await site.until(
      'late runs are counted',
      () => api.metrics(),
      (metrics) => metrics.get('dispatchoor_late_runs_total{group="linux"}') === count,
    );
    await sim.wait(({ runs }) => cancelledOf(runs) === count, { timeoutMs: site.giveUpAfterMs });
    const late = site.ourRuns().filter(({ conclusion }) => conclusion === 'cancelled');
    expect(new Set(late.map(({ id }) => id)), 'the runs that were lost').toEqual(lost);
    for (const { run_id: runId } of seen) sim.completeRun(runId ?? 0, 'success');
    // Their answers were lost at once, and nothing but their times tells which run is whose.
    const counts = await judge(site, jobs, { lateRuns: 'cancelled', isPairedByTime: true });
    const attempts = await listAttempts(site.database);
    const states = jobs.map(({ id }) => {
      return attempts.filter(({ job_id: jobId }) => jobId === id).map(({ state }) => state);
    });
    expect(states, 'each was sent twice').toEqual(jobs.map(() => ['absent', 'accepted']));
    expect(counts.completed).toBe(count);
    return counts;
  },
);

function cancelledOf(runs: readonly { conclusion: string | null }[]): number {
  return runs.filter(({ conclusion }) => conclusion === 'cancelled').length;
}
