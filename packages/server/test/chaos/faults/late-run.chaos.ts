import type { Job } from '@dispatchoor/api-contract';
import type { LedgerRun } from '@dispatchoor/forge-sim';
import { expect } from 'vitest';
import { acme, LONG } from '../../harness/fixtures.ts';
import { sqlite } from '../../harness/world.ts';
import { listAttempts } from '../../processes/rows.ts';
import { Site } from '../../processes/site.ts';
import { verify } from '../../processes/verify/verify.ts';
import { chaos } from '../chaos.ts';

/** Far beyond the lookup timeout: by then each of them has been called absent. */
const VISIBLE_AFTER_MS = 20_000;

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
    await site.start();
    const { jobs, lost } = await loseDispatches(site, count);
    site.sim.setRunVisibility({ delayMs: 0 });
    const seen = await Promise.all(jobs.map(({ id }) => site.job(id, 'running')));
    await expectLateCancelled(site, lost);
    for (const { run_id: runId } of seen) site.sim.completeRun(runId ?? 0, 'success');
    const counts = await verify(site, jobs, { lateRuns: 'cancelled' });
    await expectSentTwice(site, jobs);
    expect(counts.completed).toBe(count);
    return counts;
  },
);

/** Each is carried out, but neither answered nor seen. @returns the ids of the runs, too */
async function loseDispatches(
  site: Site,
  count: number,
): Promise<{ jobs: Job[]; lost: Set<number> }> {
  site.sim.addFault({ on: 'dispatch', kind: 'reset-after', times: count });
  site.sim.setRunVisibility({ delayMs: VISIBLE_AFTER_MS });
  const notes = Array.from({ length: count }, (_, index) => `job ${index + 1}`);
  const jobs = await site.enqueue(notes, LONG);
  await site.runs(count);
  return { jobs, lost: new Set(site.ourRuns().map(({ id }) => id)) };
}

/** All of the lost, and no others. */
async function expectLateCancelled(site: Site, lost: ReadonlySet<number>): Promise<void> {
  const { sim, api, giveUpAfterMs: timeoutMs } = site;
  await site.until(
    'late runs are counted',
    () => api.metrics(),
    (metrics) => metrics.get('dispatchoor_late_runs_total{group="linux"}') === lost.size,
  );
  await sim.wait(({ runs }) => cancelledOf(runs).length === lost.size, { timeoutMs });
  const cancelled = cancelledOf(site.ourRuns()).map(({ id }) => id);
  expect(new Set(cancelled), 'the runs that were lost').toEqual(lost);
}

function cancelledOf(runs: readonly LedgerRun[]): LedgerRun[] {
  return runs.filter(({ conclusion }) => conclusion === 'cancelled');
}

async function expectSentTwice({ database }: Site, jobs: readonly Job[]): Promise<void> {
  const attempts = await listAttempts(database);
  const states = jobs.map(({ id }) => {
    return attempts.filter(({ job_id: jobId }) => jobId === id).map(({ state }) => state);
  });
  expect(states, 'each was sent twice').toEqual(jobs.map(() => ['absent', 'accepted']));
}
