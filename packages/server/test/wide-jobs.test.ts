import { describe, expect, it } from 'vitest';
import {
  acme,
  CORRELATION_INPUT,
  LONG,
  linuxGroup,
  RUNNERS_TOKEN,
  TOKEN,
  template,
  workflow,
} from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, type World } from './harness/world.ts';

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

const HOUR = 3_600_000;

const named = { correlation_input: CORRELATION_INPUT };
const withTrio = {
  // On a slow machine runners listed every 100 ms are stale more often than fresh.
  github: { poll_interval: '1s', runners_token: RUNNERS_TOKEN },
  groups: {
    github: [
      {
        ...linuxGroup,
        workflow_dispatch_templates: [
          template({ id: 'build', ...named }),
          template({ id: 'trio', workflow_id: 'trio.yaml', runners: 3, ...named }),
        ],
      },
    ],
  },
};
const twoRunners = acme(2, { workflows: [workflow({ file: 'trio.yaml' })] });

const queueTrios = async (world: World, count: number, priority = 0) => {
  for (let n = 0; n < count; n += 1) {
    await world.api.enqueue('linux', { template_id: 'trio', priority });
  }
};

for (const database of databases) {
  describe(`jobs that need three runners, where two are online, on ${database.name}`, () => {
    it('do not stop the others of their group', async () => {
      const world = await startWorld({ database, config: withTrio, forge: twoRunners });
      await queueTrios(world, 4);
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(id, 'completed');
      expect(world.ourRuns()).toHaveLength(1);
    });

    it('do not keep a repository unused that the token may use again', async () => {
      const world = await startWorld({ database, config: withTrio, forge: twoRunners });
      world.sim.setToken(TOKEN, { unauthorisedBy: ['acme'] });
      const refused = await world.api.enqueue('linux', { template_id: 'build' });
      await world.why(refused.id, 'no-access');
      world.sim.setToken(TOKEN, { unauthorisedBy: [] });
      await queueTrios(world, 4, 10);
      const next = await world.api.enqueue('linux', { template_id: 'build' });
      await world.moveTime(HOUR);
      for (const { id } of [refused, next]) await world.job(id, 'completed');
    });
  });

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
