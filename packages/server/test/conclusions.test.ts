import type { RunConclusion } from '@dispatchoor/forge-sim';
import { describe, expect, it } from 'vitest';
import type { Run } from '../src/domain/attempt.ts';
import type { Forge } from '../src/forge/forge.ts';
import { acme, LONG, workflow } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases } from './harness/world.ts';

const ENDS: Readonly<Record<RunConclusion, 'completed' | 'failed' | 'cancelled'>> = {
  success: 'completed',
  skipped: 'completed',
  neutral: 'completed',
  cancelled: 'cancelled',
  failure: 'failed',
  timed_out: 'failed',
  action_required: 'failed',
  stale: 'failed',
  startup_failure: 'failed',
};

const MESSAGES: Readonly<Record<string, string>> = {
  completed: '',
  cancelled: 'cancelled by the forge: concurrency group?',
};

const ending = workflow({ file: 'ending.yaml', runConclusion: { fromInput: 'conclusion' } });

/** The first listing to show an end does not tell the conclusion yet. */
function halfDelivered(forge: Forge): Forge {
  const told = new Set<string>();
  const half = (run: Run): Run => {
    if (run.status !== 'completed' || told.has(run.id)) return run;
    told.add(run.id);
    return { ...run, conclusion: null };
  };
  const listRuns: Forge['listRuns'] = async (...args) => {
    const listing = await forge.listRuns(...args);
    return { ...listing, runs: listing.runs.map(half) };
  };
  return new Proxy(forge, {
    get: (target, name) => {
      if (name === 'listRuns') return listRuns;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

for (const database of databases) {
  describe(`the end of a run on ${database.name}`, () => {
    it('ends its job, whatever the conclusion (defect #17)', async () => {
      const world = await startWorld({ database, forge: acme(3, { workflows: [ending] }) });
      const seen: Record<string, string> = {};
      for (const conclusion of Object.keys(ENDS)) {
        const target = { template_id: 'build', workflow_id: 'ending.yaml', inputs: { conclusion } };
        const { id } = await world.api.enqueue('linux', target);
        const ended = await world.job(id, ({ completed_at: at }) => at !== null);
        seen[conclusion] = ended.status;
        if (ended.status === 'failed') expect(ended.error_message).toContain(conclusion);
        else expect(ended.error_message).toBe(MESSAGES[ended.status]);
      }
      expect(seen).toEqual(ENDS);
    });

    it('that is told before its conclusion is looked at again', async () => {
      const config = { dispatcher: { recheck_after: '5s' } };
      const world = await startWorld({ database, config, wrapForge: halfDelivered });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      const ended = await world.job(id, ({ completed_at: at }) => at !== null);
      expect(ended.status).toBe('completed');
    });

    it('by hand on the forge ends its job as cancelled', async () => {
      const world = await startWorld({ database });
      const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      const running = await world.job(id, 'running');
      world.sim.completeRun(running.run_id ?? 0, 'cancelled');
      await world.job(id, 'cancelled');
    });

    it('is told once: a re-run on the forge moves no job', async () => {
      const world = await startWorld({ database });
      const inputs = { conclusion: 'failure' };
      const first = await world.api.enqueue('linux', { template_id: 'build', inputs });
      const failed = await world.job(first.id, 'failed');
      world.sim.rerun(failed.run_id ?? 0);
      const next = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(next.id, 'completed');
      expect(await world.api.job(first.id)).toEqual(failed);
    });
  });

  it(`a run that was re-run before its end was seen ends its job by its first attempt, on ${database.name}`, async () => {
    const world = await startWorld({ database });
    const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
    const running = await world.job(id, 'running');
    world.sim.completeRun(running.run_id ?? 0, 'timed_out');
    world.sim.rerun(running.run_id ?? 0);
    expect((await world.job(id, 'failed')).error_message).toContain('timed_out');
  });

  describe(`a run that was deleted, on ${database.name}`, () => {
    it('fails its job when a second look agrees (defect #17), and starts nothing beside what may go on', async () => {
      const world = await startWorld({ database });
      const chain = { auto_requeue: true, requeue_limit: 1 };
      const { id } = await world.api.enqueue('linux', {
        ...{ template_id: 'build', inputs: LONG, ...chain },
      });
      const running = await world.job(id, 'running');
      world.sim.deleteRun(running.run_id ?? 0);
      // A young run that a listing does not show may only be late: nobody asks for it before.
      await world.moveTime(61_000);
      const failed = await world.job(id, 'failed');
      expect(failed.error_message).toContain(`run ${String(running.run_id)} was deleted`);
      expect(failed.error_message).toContain('add the job again if its work was not done');
      expect(await world.api.queue('linux')).toEqual([]);
      const next = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(next.id, 'completed');
    });
  });
}
