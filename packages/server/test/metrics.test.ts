import { describe, expect, it } from 'vitest';
import { acme, LONG } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, sqlite, type World } from './harness/world.ts';

const GROUP = '{group="linux"}';

/** Until all of these samples have these values. */
function counted(world: World, wanted: Readonly<Record<string, number>>): Promise<unknown> {
  const names = Object.keys(wanted);
  return world.until(
    'the metrics say so',
    async () => {
      const seen = await world.api.metrics();
      return Object.fromEntries(names.map((name) => [name, seen.get(`dispatchoor_${name}`)]));
    },
    (seen) => names.every((name) => seen[name] === wanted[name]),
  );
}

for (const database of databases) {
  describe(`/metrics on ${database.name}`, () => {
    it('counts what became of jobs, by group (defect #23)', async () => {
      const world = await startWorld({ database, forge: acme(2) });
      const good = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(good.id, 'completed');
      const bad = await world.api.enqueue('linux', {
        ...{ template_id: 'build', inputs: { conclusion: 'failure' } },
        ...{ auto_requeue: true, requeue_limit: 1 },
      });
      await world.job(bad.id, 'failed');
      const long = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      await world.job(long.id, 'running');
      await counted(world, { [`queue_size{group="linux",status="running"}`]: 1 });
      await world.api.cancel(long.id);
      await counted(world, {
        // One of them is the requeue.
        [`jobs_created_total${GROUP}`]: 4,
        [`jobs_triggered_total${GROUP}`]: 3,
        [`jobs_completed_total${GROUP}`]: 1,
        [`jobs_failed_total${GROUP}`]: 1,
        [`jobs_cancelled_total${GROUP}`]: 1,
        dispatcher_dispatches_total: 3,
        dispatcher_errors_total: 0,
        'queue_size{group="linux",status="pending"}': 1,
        'queue_size{group="linux",status="triggered"}': 0,
        'queue_size{group="linux",status="running"}': 0,
      });
    });
  });
}

describe('/metrics', () => {
  it('shows cycles, runners, requests and what is left of the limit (defect #23)', async () => {
    const world = await startWorld({ database: sqlite, forge: acme(2) });
    const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
    await world.job(id, 'running');
    await counted(world, {
      [`runners_total${GROUP}`]: 2,
      [`runners_online${GROUP}`]: 2,
      [`runners_busy${GROUP}`]: 1,
      [`job_wait_seconds_count${GROUP}`]: 1,
      'build_info{version="1.2.3-test",commit="abcdef0123",date="2026-01-31"}': 1,
    });
    const seen = await world.api.metrics();
    const value = (name: string): number => seen.get(`dispatchoor_${name}`) ?? NaN;
    expect(value('dispatcher_cycles_total')).toBeGreaterThan(0);
    const lastCycle = value('dispatcher_last_cycle_timestamp') * 1_000;
    expect(Math.abs(lastCycle - world.clock.now())).toBeLessThan(60_000);
    expect(value('github_rate_limit_remaining')).toBeGreaterThan(4_000);
    expect(value('github_rate_limit_remaining')).toBeLessThan(5_000);
    expect(value('github_api_requests_total{endpoint="dispatch"}')).toBe(1);
    expect(value('github_api_requests_total{endpoint="listRunners"}')).toBeGreaterThan(0);
    const login = 'method="POST",path="/api/v1/auth/login"';
    expect(value(`http_requests_total{${login},status="200"}`)).toBe(1);
    expect(value(`http_request_duration_seconds_count{${login}}`)).toBe(1);
  });

  it('counts requests to the forge that failed, by call', async () => {
    const world = await startWorld({ database: sqlite });
    world.sim.addFault({ on: 'listRunners', kind: 'status-before', times: 2 });
    await counted(world, { 'github_api_errors_total{endpoint="listRunners"}': 2 });
  });
});
