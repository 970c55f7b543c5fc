import { describe, expect, it } from 'vitest';
import { impatient } from './harness/config-file.ts';
import { acme, LONG, linuxGroup, runners, workflow } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, sqlite } from './harness/world.ts';

/** Codes that need a broken forge or a pause are tested beside what they belong to. */
for (const database of databases) {
  describe(`why a job waits, on ${database.name}`, () => {
    it('is that no runner has a label, and which', async () => {
      const config = {
        groups: {
          github: [
            linuxGroup,
            {
              ...linuxGroup,
              id: 'gpu',
              name: 'G',
              runner_labels: ['linux', 'gpu'],
              workflow_dispatch_templates: [],
            },
          ],
        },
      };
      const world = await startWorld({ database, config });
      const { id } = await world.api.enqueue('gpu', {
        ...{ owner: 'acme', repo: 'app', workflow_id: 'build.yaml', ref: 'main' },
      });
      const why = await world.until(
        'the label is missing',
        () => world.api.why(id),
        ({ labels_missing: missing }) => missing.join() === 'gpu',
      );
      expect(why).toMatchObject({ code: 'no-runner-matches', fitting: 0, free: 0, retry_at: null });
      expect(why.message).toContain('gpu');
    });

    it('is that all are busy, and how many jobs go first', async () => {
      const world = await startWorld({ database });
      const first = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      await world.job(first.id, 'running');
      const second = await world.api.enqueue('linux', { template_id: 'build' });
      const third = await world.api.enqueue('linux', { template_id: 'build', priority: 1 });
      expect(await world.why(second.id, 'all-busy')).toMatchObject({
        ...{ ahead: 1, free: 0, fitting: 1, labels_missing: [] },
        since: second.created_at,
      });
      expect(await world.why(third.id, 'all-busy')).toMatchObject({ ahead: 0 });
    });

    it('is nothing while it runs and after its end', async () => {
      const world = await startWorld({ database });
      const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      const running = await world.job(id, 'running');
      const nothing = { code: null, message: '', since: null, ahead: 0, held_by: [] };
      expect(await world.api.why(id)).toMatchObject(nothing);
      world.sim.completeRun(running.run_id ?? 0, 'success');
      await world.job(id, 'completed');
      expect(await world.api.why(id)).toMatchObject(nothing);
      expect((await world.api.ask('/api/v1/jobs/no-such-job/why')).status).toBe(404);
    });

    it('is that its runners are kept for a run that has not started yet', async () => {
      const gated = workflow({ file: 'slow-start.yaml' });
      const world = await startWorld({
        database,
        forge: acme(1, { workflows: [gated] }),
        sim: {
          profile: {
            ...{ replyMs: [0, 0], visibleMs: [0, 0], pickupMs: [600_000, 600_000] },
            ...{ cancelMs: [0, 0], runnerLostMs: 0, secondary: null },
          },
        },
      });
      const first = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(first.id, ({ run_id: run }) => run !== null && run > 0);
      await world.why(first.id, 'placing');
      const second = await world.api.enqueue('linux', { template_id: 'build' });
      const why = await world.why(second.id, 'held');
      expect(why).toMatchObject({ held_by: [first.id], fitting: 1 });
      expect(world.dispatches()).toBe(1);
    });
  });
}

describe('why a job waits', () => {
  it('is that its runners are offline', async () => {
    const offline = runners(1).map((runner) => ({ ...runner, online: false }));
    const world = await startWorld({ database: sqlite, forge: acme(0, { runners: offline }) });
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    expect(await world.why(id, 'all-offline')).toMatchObject({ fitting: 1, free: 0 });
  });

  it('is that nobody has listed the runners lately', async () => {
    const world = await startWorld({ database: sqlite });
    const first = await world.api.enqueue('linux', { template_id: 'build' });
    await world.job(first.id, 'completed');
    world.sim.addFault({ on: 'listRunners', kind: 'status-before', times: 'always' });
    const paused = await world.api.pauseGroup('linux');
    expect(paused.paused).toBe(true);
    await world.moveTime(5_000);
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    await world.api.unpauseGroup('linux');
    await world.why(id, 'stale-runners');
    expect(world.dispatches()).toBe(1);
    world.sim.clearFaults();
    await world.job(id, 'completed');
  });

  it('is that its run asks for other labels than its group', async () => {
    const world = await startWorld({ database: sqlite });
    const inputs = { 'runs-on': '["self-hosted","arm"]' };
    const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs });
    await world.job(id, ({ run_id: run }) => run !== null && run > 0);
    await world.moveTime(11_000);
    await world.forge('its workflow jobs were read', ({ requests }) =>
      requests.some(({ endpoint }) => endpoint === 'listRunJobs'),
    );
    await world.moveTime(30_000);
    // The answer to that may be stored only now.
    const why = await world.until(
      'the labels that its run asks for are known',
      () => world.api.why(id),
      ({ code, labels_missing: missing }) => code === 'not-picked-up' && missing.length > 0,
    );
    expect(why.message).toContain('arm');
    expect(why.labels_missing).toEqual(['arm']);
    // The idle runner is no longer kept for it.
    const next = await world.api.enqueue('linux', { template_id: 'build' });
    await world.job(next.id, 'completed');
    await world.api.cancel(id);
  });

  it('is that another job of the forge took the runner', async () => {
    const world = await startWorld({
      database: sqlite,
      sim: {
        profile: {
          ...{ replyMs: [0, 0], visibleMs: [0, 0], pickupMs: [2_000, 2_000] },
          ...{ cancelMs: [0, 0], runnerLostMs: 0, secondary: null },
        },
      },
    });
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    await world.job(id, ({ run_id: run }) => run !== null && run > 0);
    const [runner] = world.sim.ledger().runners;
    world.sim.setRunner(runner?.id ?? 0, { busy: true });
    await world.moveTime(31_000);
    await world.why(id, 'displaced');
    world.sim.setRunner(runner?.id ?? 0, { busy: false });
    await world.moveTime(3_000);
    await world.job(id, 'completed');
  });

  it('is that its run waits for an approval on the forge', async () => {
    const gated = workflow({ file: 'gated.yaml', gate: 'waiting' });
    const world = await startWorld({ database: sqlite, forge: acme(1, { workflows: [gated] }) });
    const target = { template_id: 'build', workflow_id: 'gated.yaml' };
    const { id } = await world.api.enqueue('linux', target);
    await world.why(id, 'run-waiting');
    // It needs no runner now: others may have it.
    const next = await world.api.enqueue('linux', { template_id: 'build' });
    await world.job(next.id, 'completed');
    world.sim.releaseGate((await world.api.job(id)).run_id ?? 0);
    await world.job(id, 'completed');
  });

  it('is that dispatching is switched off', async () => {
    const config = { dispatcher: { enabled: false } };
    const world = await startWorld({ database: sqlite, config });
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    await world.why(id, 'dispatch-disabled');
    expect(world.dispatches()).toBe(0);
  });

  it('is that the forge does not answer', async () => {
    const world = await startWorld({ database: sqlite, config: impatient, forge: acme(2) });
    world.sim.addFault({ on: 'dispatch', kind: 'status-before', times: 2 });
    await world.api.pauseGroup('linux');
    const jobs = [
      await world.api.enqueue('linux', { template_id: 'build' }),
      await world.api.enqueue('linux', { template_id: 'build' }),
      await world.api.enqueue('linux', { template_id: 'build' }),
    ];
    await world.api.unpauseGroup('linux');
    await world.until(
      'one waits for the forge',
      () => Promise.all(jobs.map(({ id }) => world.api.why(id))),
      (whys) => whys.some(({ code }) => code === 'forge-unavailable'),
    );
    for (const { id } of jobs) await world.job(id, 'completed');
    expect(world.ourRuns()).toHaveLength(3);
  });
});
