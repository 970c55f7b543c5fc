import { describe, expect, it } from 'vitest';
import { LONG } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases } from './harness/world.ts';

for (const database of databases) {
  describe(`the state of the server on ${database.name}`, () => {
    it('is told by /health and /ready without a login, by /status with one', async () => {
      const world = await startWorld({ database });
      const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      await world.job(id, 'running');
      await world.api.enqueue('linux', { template_id: 'build' });
      const open = (path: string) => fetch(`${world.url}${path}`);
      expect(await (await open('/health')).json()).toEqual({
        status: 'ok',
        config: { auth: { basic: true, github: false } },
      });
      const ready = await open('/ready');
      expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready', reasons: [] }]);
      expect((await open('/api/v1/status')).status).toBe(401);
      const status = await world.until(
        'healthy',
        () => world.api.status(),
        (seen) => seen.status === 'healthy',
      );
      expect(status).toMatchObject({
        database: { status: 'healthy' },
        github: {
          runners: { status: 'healthy', connected: true },
          dispatch: { status: 'healthy', connected: true },
        },
        queue: { pending_jobs: 1, triggered_jobs: 0, running_jobs: 1 },
        version: { version: '1.2.3-test', git_commit: 'abcdef0123', build_date: '2026-01-31' },
      });
      expect(status.github.dispatch?.rate_limit_remaining).toBeGreaterThan(4_000);
      expect(status.github.dispatch?.reset_in).toMatch(/^(1h0m0s|\d+m\d+s)$/);
    });

    it('lets a readonly user look, and change nothing', async () => {
      const world = await startWorld({ database });
      const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      await world.job(id, 'running');
      await world.api.login('viewer', 'battery staple');
      expect((await world.api.job(id)).status).toBe('running');
      expect((await world.api.cancel(id)).status).toBe(403);
      const body = { template_id: 'build' };
      const added = await world.api.ask('/api/v1/groups/linux/queue', { method: 'POST', body });
      expect(added.status).toBe(403);
      expect((await world.api.job(id)).status).toBe('running');
    });
  });
}
