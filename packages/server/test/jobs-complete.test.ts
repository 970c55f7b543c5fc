import type { Job } from '@dispatchoor/api-contract';
import { describe, expect, it } from 'vitest';
import { acme, runners } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases } from './harness/world.ts';

const timesOf = (job: Job): (string | null)[] => [
  job.created_at,
  job.triggered_at,
  job.completed_at,
];

for (const database of databases) {
  describe(`a job on ${database.name}`, () => {
    it('from a template waits as it was added, with nothing of a run', async () => {
      const world = await startWorld({ database, forge: acme(0) });
      const inputs = { note: 'from a script' };
      const added = await world.api.enqueue('linux', { template_id: 'build', inputs });
      expect(added).toEqual({
        ...{ id: added.id, group_id: 'linux', template_id: 'build', status: 'pending' },
        ...{ priority: 0, position: 0, paused: false, created_by: 'admin', inputs },
        ...{ auto_requeue: false, requeue_limit: null, requeue_count: 0 },
        ...{ triggered_at: null, run_id: null, run_url: '', runner_id: null, runner_name: '' },
        ...{ completed_at: null, error_message: '' },
        ...{ created_at: added.created_at, updated_at: added.created_at },
      });
      expect(await world.api.queue('linux')).toEqual([added]);
      expect(world.dispatches()).toBe(0);
    });

    it('from a template runs on a free runner and ends with its run, runner and times', async () => {
      const world = await startWorld({ database });
      const inputs = { note: 'from a script' };
      const added = await world.api.enqueue('linux', { template_id: 'build', inputs });
      const done = await world.job(added.id, 'completed');
      const run = world.runOf(done);
      expect(run).toMatchObject({
        owner: 'acme',
        repo: 'app',
        workflow: 'build.yaml',
        ref: 'main',
      });
      expect(run.inputs).toMatchObject(inputs);
      expect(done.run_url).toBe(`${world.sim.url}/acme/app/actions/runs/${run.id}`);
      const [workflowJob] = run.jobs;
      expect(done).toMatchObject({
        runner_id: workflowJob?.runnerId,
        runner_name: 'linux-1',
        error_message: '',
      });
      const times = timesOf(done);
      expect(times.includes(null)).toBe(false);
      expect(times.toSorted()).toEqual(times);
      expect(world.dispatches()).toBe(1);
    });

    it('stands in the history, and no longer in the queue, once it has ended', async () => {
      const world = await startWorld({ database });
      const added = await world.api.enqueue('linux', { template_id: 'build' });
      const done = await world.job(added.id, 'completed');
      expect(await world.api.queue('linux')).toEqual([]);
      const page = await world.api.history('linux');
      expect(page).toMatchObject({ jobs: [done], has_more: false, total_count: 1 });
      const rest = await world.api.history(
        'linux',
        `?before=${encodeURIComponent(page.next_cursor ?? '')}`,
      );
      expect(rest).toEqual({ jobs: [], has_more: false, total_count: 1 });
      expect((await world.api.history('linux', '?status=failed')).total_count).toBe(0);
      expect((await world.api.history('linux', '?label.kind=ci')).total_count).toBe(1);
      expect((await world.api.history('linux', '?label.kind=other')).total_count).toBe(0);
    });

    it('without a template goes where it says itself', async () => {
      const world = await startWorld({ database });
      const target = { owner: 'acme', repo: 'app', workflow_id: 'build.yaml', ref: 'main' };
      const added = await world.api.enqueue('linux', {
        ...target,
        name: 'by hand',
        labels: { why: 'try' },
        inputs: { note: 'manual' },
      });
      expect(added).toMatchObject({
        ...target,
        template_id: '',
        name: 'by hand',
        labels: { why: 'try' },
      });
      const done = await world.job(added.id, 'completed');
      expect(world.runOf(done).inputs['note']).toBe('manual');
    });

    it('finds runners of an owner that only manual jobs name (defect #15)', async () => {
      const world = await startWorld({
        database,
        forge: acme(0, {
          owners: [{ login: 'carol', type: 'User' }],
          repos: [{ owner: 'carol', name: 'tool' }],
          workflows: [
            {
              owner: 'carol',
              repo: 'tool',
              file: 'a.yaml',
              jobs: [{ name: 'a', runsOn: ['linux'], durationMs: 10 }],
            },
          ],
          runners: runners(1).map((runner) => ({ ...runner, scope: 'repo:carol/tool' })),
        }),
      });
      const target = { owner: 'carol', repo: 'tool', workflow_id: 'a.yaml', ref: 'main' };
      const added = await world.api.enqueue('linux', target);
      await world.job(added.id, 'completed');
    });

    it('goes on where a new process finds it', async () => {
      const world = await startWorld({ database });
      const inputs = { 'duration-ms': '600000' };
      const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs });
      const running = await world.job(id, 'running');
      await world.restart();
      world.sim.completeRun(running.run_id ?? 0, 'success');
      await world.job(id, 'completed');
      expect(world.dispatches()).toBe(1);
    });
  });
}
