import type { Job } from '@dispatchoor/api-contract';
import { describe, expect, it } from 'vitest';
import { acme, LONG, workflow } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, type World } from './harness/world.ts';

/** Jobs of the chain, in the order of its counts, once `count` of them have ended. */
function chain(world: World, count: number): Promise<Job[]> {
  return world.until(
    `${count} jobs have ended`,
    async () => (await world.api.wholeHistory('linux')).toReversed(),
    (jobs) => jobs.length >= count,
  );
}

for (const database of databases) {
  describe(`a requeue on ${database.name}`, () => {
    it('with limit 2 makes three runs, each of a job of its own', async () => {
      const world = await startWorld({ database });
      const inputs = { note: 'again' };
      const first = await world.api.enqueue('linux', {
        ...{ template_id: 'build', inputs, name: 'chain', priority: 7 },
        ...{ auto_requeue: true, requeue_limit: 2 },
      });
      const jobs = await chain(world, 3);
      expect(jobs.map(({ requeue_count: count }) => count)).toEqual([0, 1, 2]);
      expect(new Set(jobs.map(({ id }) => id)).size).toBe(3);
      expect(jobs[0]?.id).toBe(first.id);
      for (const job of jobs) {
        expect(job).toMatchObject({
          ...{ status: 'completed', template_id: 'build', inputs, name: 'chain', priority: 7 },
          ...{ auto_requeue: true, requeue_limit: 2, created_by: 'admin' },
        });
      }
      expect(await world.api.queue('linux')).toEqual([]);
      expect(world.ourRuns()).toHaveLength(3);
    });

    it('with limit 0 makes one run', async () => {
      const world = await startWorld({ database });
      const job = { template_id: 'build', auto_requeue: true, requeue_limit: 0 };
      const { id } = await world.api.enqueue('linux', job);
      await world.job(id, 'completed');
      expect(await world.api.queue('linux')).toEqual([]);
    });

    it('after a cancel starts at once', async () => {
      const world = await startWorld({ database });
      const job = { template_id: 'build', inputs: LONG, auto_requeue: true, requeue_limit: 1 };
      const { id } = await world.api.enqueue('linux', job);
      await world.job(id, 'running');
      await world.api.cancel(id);
      const [next] = await world.api.queue('linux');
      expect(next).toMatchObject({ requeue_count: 1, status: 'pending' });
      const running = await world.job(next?.id ?? '', 'running');
      world.sim.completeRun(running.run_id ?? 0, 'success');
      await chain(world, 2);
      expect(world.ourRuns().map(({ conclusion }) => conclusion)).toEqual(['cancelled', 'success']);
    });

    it('after a failure waits, longer each time (defect #16)', async () => {
      const world = await startWorld({ database });
      const { id } = await world.api.enqueue('linux', {
        ...{ template_id: 'build', inputs: { conclusion: 'failure' } },
        ...{ auto_requeue: true, requeue_limit: 2 },
      });
      const failed = await world.job(id, 'failed');
      const second = await waitsFor(world, failed, 30_000);
      await world.moveTime(31_000);
      await waitsFor(world, await world.job(second.id, 'failed'), 60_000);
      expect(world.ourRuns()).toHaveLength(2);
    });

    it('of two endless chains in one concurrency group waits after each cancel of the other', async () => {
      const concurrency = { group: 'deploy', cancelInProgress: true };
      const forge = acme(2, { workflows: [workflow({ concurrency })] });
      const world = await startWorld({ database, forge });
      const endless = { template_id: 'build', inputs: LONG, auto_requeue: true };
      const first = await world.api.enqueue('linux', { ...endless, name: 'first' });
      await world.job(first.id, 'running');
      const second = await world.api.enqueue('linux', { ...endless, name: 'second' });
      const cancelled = await world.job(first.id, 'cancelled');
      expect(cancelled.error_message).toBe('cancelled by the forge: concurrency group?');
      const third = await waitsFor(world, cancelled, 30_000);
      await world.job(second.id, 'running');
      expect(world.ourRuns()).toHaveLength(2);
      // It cancels the other in turn, which then waits itself: each in its turn, ever more slowly.
      await world.moveTime(31_000);
      const fourth = await waitsFor(world, await world.job(second.id, 'cancelled'), 30_000);
      await world.job(third.id, 'running');
      await world.moveTime(31_000);
      await waitsFor(world, await world.job(third.id, 'cancelled'), 60_000);
      await world.job(fourth.id, 'running');
      expect(world.ourRuns()).toHaveLength(4);
    });
  });
}

/** The job that follows one that failed or was cancelled by the forge, which waits for `backoffMs` from then on. */
async function waitsFor(world: World, failed: Job, backoffMs: number): Promise<Job> {
  const next = (await world.api.queue('linux')).find(
    ({ name, status }) => name === failed.name && status === 'pending',
  );
  expect(next).toMatchObject({ requeue_count: failed.requeue_count + 1 });
  const why = await world.why(next?.id ?? '', 'backoff');
  const waitMs = Date.parse(why.retry_at ?? '') - Date.parse(failed.completed_at ?? '');
  expect(waitMs).toBe(backoffMs);
  return world.api.job(next?.id ?? '');
}
