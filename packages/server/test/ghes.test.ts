import { describe, expect, it } from 'vitest';
import { acme } from './harness/scenes.ts';
import { sqlite, startWorld } from './harness/world.ts';

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
});
