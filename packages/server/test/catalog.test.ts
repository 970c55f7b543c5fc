import { describe, expect, it } from 'vitest';
import { acme, LINUX, LONG, linuxGroup, template, workflow } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases } from './harness/world.ts';

const otherGroup = {
  ...{ id: 'other', name: 'Other', runner_labels: ['linux'] },
  workflow_dispatch_templates: [template({ id: 'test' })],
};

const both = { groups: { github: [linuxGroup, otherGroup] } };
const onlyOther = { groups: { github: [otherGroup] } };

const refs = ['main', 'v2'];
const saying = (ref: string, note: string) => ({
  groups: {
    github: [
      {
        ...linuxGroup,
        workflow_dispatch_templates: [template({ id: 'build', ref, inputs: { note } })],
      },
    ],
  },
});

for (const database of databases) {
  describe(`a configuration that changed, on ${database.name}`, () => {
    it('without a group keeps its jobs and dispatches none, until it is back (defect #13)', async () => {
      const world = await startWorld({ database, config: both, forge: acme(1) });
      const inputs = LONG;
      const running = await world.api.enqueue('linux', { template_id: 'build', inputs });
      const { run_id: runId } = await world.job(running.id, 'running');
      const waiting = await world.api.enqueue('linux', { template_id: 'build' });
      await world.restart(onlyOther);
      await world.why(waiting.id, 'group-disabled');
      expect(await world.api.groups()).toMatchObject([
        { id: 'linux', enabled: false, queued_jobs: 1 },
        { id: 'other', enabled: true },
      ]);
      // What already runs is followed to its end, and others have the runner then.
      world.sim.completeRun(runId ?? 0, 'success');
      await world.job(running.id, 'completed');
      const other = await world.api.enqueue('other', { template_id: 'test' });
      await world.job(other.id, 'completed');
      expect((await world.api.job(waiting.id)).status).toBe('pending');
      await world.restart(both);
      await world.job(waiting.id, 'completed');
    });

    it('in a template does not mix with what was queued before: a pending job keeps workflow, ref and inputs', async () => {
      const config = saying('main', 'old');
      const forge = acme(1, { workflows: [workflow({ refs })] });
      const world = await startWorld({ database, config, forge });
      await world.api.pauseGroup('linux');
      const inputs = { 'duration-ms': '10' };
      const kept = await world.api.enqueue('linux', { template_id: 'build', inputs });
      const taking = await world.api.enqueue('linux', { template_id: 'build', inputs });
      await world.restart(saying('v2', 'new'));
      const fresh = await world.api.enqueue('linux', { template_id: 'build', inputs });
      const why = await world.why(kept.id, 'group-paused');
      expect(why.message).toContain('(ref main → v2)');
      expect(why.actions).toEqual(['take-template']);
      const target = { owner: 'acme', repo: 'app', workflow_id: 'build.yaml' };
      expect(why.template_change).toEqual({
        queued: { ...target, ref: 'main' },
        now: { ...target, ref: 'v2' },
        inputs: { note: 'new', ...inputs },
      });
      expect((await world.why(fresh.id, 'group-paused')).actions).toEqual([]);
      const took = await world.api.ask(`/api/v1/jobs/${taking.id}/take-template`, {
        method: 'POST',
      });
      expect(JSON.parse(took.text)).toMatchObject({ inputs: { note: 'new', ...inputs } });
      await world.api.unpauseGroup('linux');
      for (const { id } of [kept, taking, fresh]) await world.job(id, 'completed');
      const sent = world.ourRuns().map((run) => [run.ref, run.inputs['note']]);
      expect(sent).toEqual([
        ['main', 'old'],
        ['v2', 'new'],
        ['v2', 'new'],
      ]);
    });

    it('in a template reaches a requeue, which keeps its inputs', async () => {
      const config = saying('main', 'old');
      const forge = acme(1, { workflows: [workflow({ refs })] });
      const world = await startWorld({ database, config, forge });
      const again = { auto_requeue: true, requeue_limit: 1 };
      const { id } = await world.api.enqueue('linux', {
        ...{ template_id: 'build', inputs: LONG, ...again },
      });
      const { run_id: runId } = await world.job(id, 'running');
      await world.restart(saying('v2', 'new'));
      world.sim.completeRun(runId ?? 0, 'success');
      await world.job(id, 'completed');
      const [next] = await world.api.queue('linux');
      const second = await world.job(next?.id ?? '', 'running');
      expect(world.runOf(second)).toMatchObject({ ref: 'v2', inputs: { note: 'old', ...LONG } });
      world.sim.completeRun(second.run_id ?? 0, 'success');
      await world.job(second.id, 'completed');
    });

    it('without a template keeps it for its jobs, which still run', async () => {
      const without = {
        groups: { github: [{ ...linuxGroup, workflow_dispatch_templates: [] }, otherGroup] },
      };
      const world = await startWorld({ database, config: both });
      await world.api.pauseGroup('linux');
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.restart(without);
      expect(await world.api.templates('linux')).toMatchObject([{ id: 'build', in_config: false }]);
      await world.api.unpauseGroup('linux');
      await world.job(id, 'completed');
      await world.restart(both);
      expect(await world.api.templates('linux')).toMatchObject([{ id: 'build', in_config: true }]);
    });

    it('without the only template of an owner lists its runners as long as it has jobs', async () => {
      const linux = linuxGroup['workflow_dispatch_templates'] as readonly unknown[];
      const far = template({ id: 'far', owner: 'far' });
      const withFar = { ...linuxGroup, workflow_dispatch_templates: [...linux, far] };
      const forge = acme(1, {
        owners: [{ login: 'far', type: 'Organization' }],
        repos: [{ owner: 'far', name: 'app' }],
        workflows: [workflow({ owner: 'far' })],
      });
      const world = await startWorld({
        database,
        config: { groups: { github: [withFar] } },
        forge,
      });
      const { id } = await world.api.enqueue('linux', { template_id: 'far' });
      await world.restart({ groups: { github: [linuxGroup] } });
      world.sim.addRunner({ scope: 'org:far', name: 'far-1', labels: [...LINUX] });
      expect(await world.job(id, 'completed')).toMatchObject({ runner_name: 'far-1' });
    });

    it('with a template in another group moves it there, and its old jobs stay (defect #12)', async () => {
      const moved = {
        groups: {
          github: [
            { ...linuxGroup, workflow_dispatch_templates: [] },
            {
              ...otherGroup,
              workflow_dispatch_templates: [template({ id: 'test' }), template({ id: 'build' })],
            },
          ],
        },
      };
      const world = await startWorld({ database, config: both });
      await world.api.pauseGroup('linux');
      const old = await world.api.enqueue('linux', { template_id: 'build' });
      await world.restart(moved);
      expect(await world.api.templates('other')).toMatchObject([{ id: 'build' }, { id: 'test' }]);
      const fresh = await world.api.enqueue('other', { template_id: 'build' });
      await world.job(fresh.id, 'completed');
      await world.api.unpauseGroup('linux');
      expect(await world.job(old.id, 'completed')).toMatchObject({ group_id: 'linux' });
    });
  });
}
