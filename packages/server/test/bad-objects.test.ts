import { describe, expect, it } from 'vitest';
import {
  acme,
  LINUX,
  LONG,
  linuxGroup,
  runners,
  TOKEN,
  template,
  workflow,
} from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, type World } from './harness/world.ts';

const PROBE_MS = 5 * 60_000 + 1_000;

const config = {
  groups: {
    github: [
      {
        ...linuxGroup,
        workflow_dispatch_templates: [
          template({ id: 'build' }),
          template({ id: 'typo', ref: 'no-such-branch' }),
          template({ id: 'secret', repo: 'secret' }),
        ],
      },
    ],
  },
};

const forge = acme(2, {
  repos: [{ owner: 'acme', name: 'secret' }],
  workflows: [workflow({ repo: 'secret' })],
});

const dispatchesTo = (world: World, repo: string): number =>
  world.sim.ledger().requests.filter((request) => {
    return request.endpoint === 'dispatch' && request.repo === repo;
  }).length;

for (const database of databases) {
  describe(`a repository that the token cannot see, on ${database.name}`, () => {
    it('stops its own jobs only, and they start when it can', async () => {
      const world = await startWorld({
        database,
        config,
        forge,
        prepare: (sim) => sim.setToken(TOKEN, { blindTo: ['acme/secret'] }),
      });
      const hidden = await world.api.enqueue('linux', { template_id: 'secret', priority: 10 });
      const why = await world.why(hidden.id, 'no-access');
      expect(why.message).toContain('acme/secret');
      for (let count = 0; count < 3; count += 1) {
        const open = await world.api.enqueue('linux', { template_id: 'build' });
        await world.job(open.id, 'completed');
      }
      expect(await world.api.job(hidden.id)).toMatchObject({ status: 'pending' });
      expect(dispatchesTo(world, 'secret')).toBe(1);
      world.sim.setToken(TOKEN, { blindTo: [] });
      await world.moveTime(PROBE_MS);
      await world.job(hidden.id, 'completed');
    });

    it('keeps the jobs that already run there, and those elsewhere move on', async () => {
      const world = await startWorld({ database, config, forge });
      const hidden = await world.api.enqueue('linux', { template_id: 'secret', inputs: LONG });
      const running = await world.job(hidden.id, 'running');
      world.sim.setToken(TOKEN, { blindTo: ['acme/secret'] });
      const open = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(open.id, 'completed');
      await world.moveTime(2 * 60_000);
      const next = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(next.id, 'completed');
      expect(await world.api.job(hidden.id)).toMatchObject({ status: 'running' });
      world.sim.setToken(TOKEN, { blindTo: [] });
      world.sim.completeRun(running.run_id ?? 0, 'success');
      await world.job(hidden.id, 'completed');
    });
  });

  describe(`an owner that the token cannot see, on ${database.name}`, () => {
    it('leaves its jobs waiting, and stops no other group', async () => {
      const dark = { owner: 'dark', repo: 'app' };
      const world = await startWorld({
        database,
        config: {
          groups: {
            github: [
              linuxGroup,
              {
                ...{ id: 'dark', runner_labels: LINUX },
                workflow_dispatch_templates: [template({ id: 'dark-build', ...dark })],
              },
            ],
          },
        },
        forge: acme(1, {
          owners: [{ login: 'dark', type: 'Organization' }],
          repos: [{ owner: 'dark', name: 'app' }],
          workflows: [workflow(dark)],
          runners: runners(1).map((runner) => ({ ...runner, scope: 'org:dark' })),
        }),
        prepare: (sim) => sim.setToken(TOKEN, { blindTo: ['dark'] }),
      });
      const hidden = await world.api.enqueue('dark', { template_id: 'dark-build' });
      for (let count = 0; count < 3; count += 1) {
        const { id } = await world.api.enqueue('linux', { template_id: 'build' });
        await world.job(id, 'completed');
      }
      const why = await world.why(hidden.id, 'stale-runners');
      expect(why.message).toContain('org:dark');
      world.sim.setToken(TOKEN, { blindTo: [] });
      await world.job(hidden.id, 'completed');
    });
  });

  describe(`a template whose ref does not exist, on ${database.name}`, () => {
    it('fails its job, which does not block those behind it (defect #17)', async () => {
      const world = await startWorld({ database, config, forge: acme(1) });
      await world.api.pauseGroup('linux');
      const typo = await world.api.enqueue('linux', { template_id: 'typo', priority: 1 });
      const good = await world.api.enqueue('linux', { template_id: 'build' });
      await world.api.unpauseGroup('linux');
      const failed = await world.job(typo.id, 'failed');
      expect(failed.error_message).toContain('No ref found');
      expect(failed).toMatchObject({ run_url: '' });
      await world.job(good.id, 'completed');
      expect(world.ourRuns()).toHaveLength(1);
    });

    it('is broken after three refusals in a row: its jobs wait, one probes, and all go on', async () => {
      const world = await startWorld({ database, config, forge: acme(1) });
      for (let count = 0; count < 3; count += 1) {
        const { id } = await world.api.enqueue('linux', { template_id: 'typo' });
        await world.job(id, 'failed');
      }
      const waiting = [
        await world.api.enqueue('linux', { template_id: 'typo' }),
        await world.api.enqueue('linux', { template_id: 'typo' }),
      ];
      for (const { id } of waiting) {
        const why = await world.why(id, 'template-broken');
        expect(why.message).toContain('No ref found');
        expect(why.retry_at).not.toBeNull();
      }
      const good = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(good.id, 'completed');
      expect(dispatchesTo(world, 'app')).toBe(4);
      world.sim.seed({ workflows: [workflow({ refs: ['main', 'no-such-branch'] })] });
      await world.moveTime(PROBE_MS);
      for (const { id } of waiting) await world.job(id, 'completed');
      expect(world.ourRuns()).toHaveLength(3);
    });
  });
}
