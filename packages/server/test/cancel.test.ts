import { describe, expect, it } from 'vitest';
import { impatient } from './harness/config-file.ts';
import { acme, LONG, workflow } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, type World } from './harness/world.ts';

async function cancelled(world: World): Promise<void> {
  await world.forge('its run is cancelled', ({ runs }) =>
    runs.every(({ conclusion }) => conclusion === 'cancelled'),
  );
  expect(world.ourRuns()).toHaveLength(1);
}

for (const database of databases) {
  describe(`a cancel on ${database.name}`, () => {
    it('of a pending job is refused', async () => {
      const world = await startWorld({ database });
      await world.api.pauseGroup('linux');
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      expect((await world.api.cancel(id)).status).toBe(400);
      expect((await world.api.job(id)).status).toBe('pending');
      expect((await world.api.cancel('no-such-job')).status).toBe(404);
    });

    it('before its run is known ends the run once the reply names it (defect #5)', async () => {
      const world = await startWorld({ database, exceptions: { hiddenRuns: 1 } });
      const { id: hold } = world.sim.addFault({ on: 'dispatch', kind: 'hold' });
      const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      await world.forge('a run', ({ runs }) => runs.length === 1);
      expect(await world.api.job(id)).toMatchObject({ status: 'triggered', run_id: 0 });
      expect((await world.api.cancel(id)).status).toBe(200);
      expect((await world.api.job(id)).status).toBe('cancelled');
      world.sim.release(hold);
      await cancelled(world);
    });

    it('before its run is known ends the run once it is found (defect #5)', async () => {
      const exceptions = { hiddenRuns: 1 };
      const world = await startWorld({ database, config: impatient, exceptions });
      world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
      world.sim.setRunVisibility({ delayMs: 800 });
      const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      await world.forge('a run', ({ runs }) => runs.length === 1);
      expect((await world.api.cancel(id)).status).toBe(200);
      await cancelled(world);
      expect((await world.api.job(id)).status).toBe('cancelled');
    });

    it('of a run that waits for a runner on the forge ends it there', async () => {
      const world = await startWorld({ database });
      const inputs = { ...LONG, 'runs-on': '["nobody-has-this"]' };
      const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs });
      await world.job(id, ({ run_id: run }) => run !== null && run > 0);
      expect((await world.api.job(id)).status).toBe('triggered');
      expect((await world.api.cancel(id)).status).toBe(200);
      await cancelled(world);
    });

    it('of a running job ends its run and frees its runner (defect #19)', async () => {
      const world = await startWorld({ database });
      const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      const running = await world.job(id, 'running');
      const reply = await world.api.cancel(id);
      expect(reply.status).toBe(200);
      expect(JSON.parse(reply.text)).toMatchObject({ id, status: 'cancelled' });
      await cancelled(world);
      expect(await world.api.job(id)).toMatchObject({
        status: 'cancelled',
        run_id: running.run_id,
        run_url: running.run_url,
      });
      const next = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(next.id, 'completed');
    });

    it('holds the runner until the run has really ended', async () => {
      const stubborn = workflow({
        file: 'stubborn.yaml',
        jobs: [{ name: 'a', runsOn: ['linux'], durationMs: 600_000, ignoresCancel: true }],
      });
      const world = await startWorld({ database, forge: acme(1, { workflows: [stubborn] }) });
      const target = { template_id: 'build', workflow_id: 'stubborn.yaml' };
      const first = await world.api.enqueue('linux', target);
      const running = await world.job(first.id, 'running');
      await world.api.cancel(first.id);
      await world.forge('asked to end', ({ requests }) =>
        requests.some(({ endpoint, acted }) => endpoint === 'cancel' && acted),
      );
      const second = await world.api.enqueue('linux', { template_id: 'build' });
      await world.why(second.id, 'all-busy');
      // A run that ignores a cancel is ended by force after five minutes.
      await world.moveTime(5 * 60_000 + 1_000);
      await world.job(second.id, 'completed');
      expect(world.runOf(running).conclusion).toBe('cancelled');
    });

    it('of a job that has ended is refused', async () => {
      const world = await startWorld({ database });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(id, 'completed');
      expect((await world.api.cancel(id)).status).toBe(400);
      expect((await world.api.job(id)).status).toBe('completed');
    });

    it('loses against an end that came first, and neither is told twice (defect #4)', async () => {
      const world = await startWorld({ database });
      const job = { template_id: 'build', inputs: LONG, auto_requeue: true, requeue_limit: 1 };
      const { id } = await world.api.enqueue('linux', job);
      const running = await world.job(id, 'running');
      world.sim.completeRun(running.run_id ?? 0, 'success');
      const replies = await Promise.all([world.api.cancel(id), world.api.cancel(id)]);
      const won = replies.filter(({ status }) => status === 200);
      expect(won.length).toBeLessThanOrEqual(1);
      const ended = await world.job(id, ({ completed_at: at }) => at !== null);
      expect(ended.status).toBe(won.length === 1 ? 'cancelled' : 'completed');
      const [requeued, ...more] = await world.api.queue('linux');
      expect(more).toEqual([]);
      expect(requeued?.requeue_count).toBe(1);
      const next = await world.job(requeued?.id ?? '', 'running');
      world.sim.completeRun(next.run_id ?? 0, 'success');
      await world.job(requeued?.id ?? '', 'completed');
    });
  });
}
