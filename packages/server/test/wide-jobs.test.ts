import { describe, expect, it } from 'vitest';
import { acme, LONG, linuxGroup, template, workflow } from './harness/scenes.ts';
import { databases, startWorld } from './harness/world.ts';

const pair = workflow({
  file: 'pair.yaml',
  jobs: [
    { name: 'server', runsOn: ['linux'], durationMs: { fromInput: 'duration-ms' } },
    { name: 'client', runsOn: ['linux'], durationMs: { fromInput: 'duration-ms' } },
  ],
});

const config = {
  groups: {
    github: [
      {
        ...linuxGroup,
        workflow_dispatch_templates: [
          template({ id: 'build' }),
          template({ id: 'pair', workflow_id: 'pair.yaml', runners: 2 }),
        ],
      },
    ],
  },
};

for (const database of databases) {
  describe(`a template that takes two runners on ${database.name}`, () => {
    it('waits until two are free, and holds both', async () => {
      const forge = acme(2, { workflows: [pair] });
      const world = await startWorld({ database, config, forge });
      const first = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      const running = await world.job(first.id, 'running');
      const wide = await world.api.enqueue('linux', { template_id: 'pair', inputs: LONG });
      const why = await world.why(wide.id, 'all-busy');
      expect(why.message).toContain('2 free runners');
      world.sim.completeRun(running.run_id ?? 0, 'success');
      const pairJob = await world.job(wide.id, 'running');
      expect(new Set(world.runOf(pairJob).jobs.map(({ runnerId }) => runnerId)).size).toBe(2);
      const last = await world.api.enqueue('linux', { template_id: 'build' });
      await world.why(last.id, 'all-busy');
      expect(world.dispatches()).toBe(2);
      world.sim.completeRun(pairJob.run_id ?? 0, 'success');
      await world.job(last.id, 'completed');
    });
  });
}
