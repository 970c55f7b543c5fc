import { describe, expect, it } from 'vitest';
import { impatient } from './harness/config-file.ts';
import { acme, LONG, UNSEEN_MS } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { sqlite } from './harness/world.ts';

describe('GitHub Enterprise Server 3.20, which does not name the run it started', () => {
  it('is asked for it once; runs are found by correlation, and no job is doubled', async () => {
    const world = await startWorld({ database: sqlite, sim: { ghes: '3.20' }, forge: acme(2) });
    for (let count = 0; count < 2; count += 1) {
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      const done = await world.job(id, 'completed');
      expect(done).toMatchObject({ run_id: world.ourRuns()[count]?.id });
      expect(done.run_url).toContain(`/acme/app/actions/runs/${String(done.run_id)}`);
    }
    const answers = world.sim
      .ledger()
      .requests.filter(({ endpoint }) => endpoint === 'dispatch')
      .map(({ status }) => status);
    expect(answers).toEqual([400, 204, 204]);
    expect(world.ourRuns()).toHaveLength(2);
  });

  it('and shows one only after its job was given up: it is cancelled, counted, and no other job’s', async () => {
    const exceptions = { hiddenRuns: 1 };
    const world = await startWorld({
      ...{ database: sqlite, exceptions },
      // Its time is over by the database's clock too before it is cancelled.
      config: { ...impatient, waits: { cancel_retry: '100ms' } },
      ...{ sim: { ghes: '3.20' }, forge: acme(2) },
    });
    world.sim.setRunVisibility({ delayMs: UNSEEN_MS });
    const lost = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
    await world.job(lost.id, 'failed');
    world.sim.setRunVisibility({ delayMs: 0 });
    const next = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
    const running = await world.job(next.id, 'running');
    await world.moveTime(UNSEEN_MS);
    await world.forge(
      'the lost run is cancelled',
      ({ runs }) => runs[0]?.conclusion === 'cancelled',
    );
    expect(running.run_id).toBe(world.ourRuns()[1]?.id);
    await world.until(
      'the late run is counted',
      () => world.api.metrics(),
      (metrics) => metrics.get('dispatchoor_late_runs_total{group="linux"}') === 1,
    );
    world.sim.completeRun(running.run_id ?? 0, 'success');
    await world.job(next.id, 'completed');
  });
});
