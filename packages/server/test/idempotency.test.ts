import { describe, expect, it } from 'vitest';
import { startWorld } from './harness/start-world.ts';
import { databases } from './harness/world.ts';

const path = '/api/v1/groups/linux/queue';

for (const database of databases) {
  describe(`an Idempotency-Key on ${database.name}`, () => {
    it('that comes twice makes one job, also after a restart', async () => {
      const world = await startWorld({ database });
      const headers = { 'idempotency-key': 'nightly-2026-01-31' };
      const job = { template_id: 'build', inputs: { note: 'once' } };
      const first = await world.api.enqueue('linux', job, headers);
      const second = await world.api.enqueue('linux', job, headers);
      expect(second.id).toBe(first.id);
      await world.restart();
      const third = await world.api.enqueue('linux', job, headers);
      expect(third.id).toBe(first.id);
      await world.job(first.id, 'completed');
      expect((await world.api.history('linux')).total_count).toBe(1);
      expect(world.ourRuns()).toHaveLength(1);
    });

    it('that comes with another job is refused', async () => {
      const world = await startWorld({ database });
      const headers = { 'idempotency-key': 'k' };
      await world.api.enqueue('linux', { template_id: 'build' }, headers);
      const body = { template_id: 'build', priority: 1 };
      const reply = await world.api.ask(path, { method: 'POST', body, headers });
      expect(reply.status).toBe(422);
      expect(JSON.parse(reply.text)).toMatchObject({ code: 'key-reused' });
    });

    it('makes one job of requests that come at the same time', async () => {
      const world = await startWorld({ database });
      const headers = { 'idempotency-key': 'k' };
      const jobs = await Promise.all(
        Array.from({ length: 5 }, () =>
          world.api.enqueue('linux', { template_id: 'build' }, headers),
        ),
      );
      expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
      await world.job(jobs[0]?.id ?? '', 'completed');
      expect(world.ourRuns()).toHaveLength(1);
    });
  });
}
