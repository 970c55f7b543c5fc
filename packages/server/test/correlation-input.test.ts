import { describe, expect, it } from 'vitest';
import { acme, linuxGroup, template, workflow } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases } from './harness/world.ts';

const named = workflow({
  file: 'named.yaml',
  runName: 'Build ${{ inputs.dispatch-id }}',
  inputs: { 'dispatch-id': { default: '' }, note: { default: '' } },
  jobs: [{ name: 'build', runsOn: ['linux'], durationMs: 30 }],
});

const config = {
  groups: {
    github: [
      {
        ...linuxGroup,
        workflow_dispatch_templates: [
          template({ id: 'named', workflow_id: 'named.yaml', correlation_input: 'dispatch-id' }),
        ],
      },
    ],
  },
};

for (const database of databases) {
  describe(`a template with a correlation input on ${database.name}`, () => {
    it('finds each run by the name that carries its attempt, with no regard to order', async () => {
      const world = await startWorld({
        database,
        config,
        forge: acme(3, { workflows: [named] }),
      });
      world.sim.addFault({ on: 'dispatch', kind: 'reset-after', times: 3 });
      await world.api.pauseGroup('linux');
      for (const note of ['a', 'b', 'c']) {
        await world.api.enqueue('linux', { template_id: 'named', inputs: { note } });
      }
      await world.api.unpauseGroup('linux');
      const jobs = await world.until(
        'all have ended',
        () => world.api.wholeHistory('linux'),
        ({ length }) => length === 3,
      );
      for (const job of jobs) {
        expect(job.status).toBe('completed');
        expect(world.runOf(job).inputs['note']).toBe(job.inputs?.['note']);
        // The input is the attempt's, not the job's.
        expect(job.inputs).not.toHaveProperty('dispatch-id');
      }
    });
  });
}
