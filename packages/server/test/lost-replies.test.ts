import type { FaultKind } from '@dispatchoor/forge-sim';
import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../src/store/databases.testkit.ts';
import { impatient } from './harness/config-file.ts';
import {
  acme,
  BOT,
  CORRELATION_INPUT,
  dispatchByHand,
  HUMAN_TOKEN,
  LONG,
  linuxGroup,
  template,
  UNSEEN_MS,
  workflow,
} from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, sqlite, type World } from './harness/world.ts';

const dispatchRequests = ({ sim }: World) =>
  sim.ledger().requests.filter(({ endpoint }) => endpoint === 'dispatch');

/** Somebody who is not dispatchoor; no runner takes it. */
const byHand = {
  workflow: 'build.yaml',
  token: HUMAN_TOKEN,
  inputs: { 'runs-on': '["nobody-has-this"]' },
};

async function isSentAgain(database: TestDatabase, kind: FaultKind): Promise<void> {
  const world = await startWorld({ database, config: impatient });
  world.sim.addFault({ on: 'dispatch', kind });
  const { id } = await world.api.enqueue('linux', { template_id: 'build' });
  await world.job(id, 'completed');
  expect(world.ourRuns()).toHaveLength(1);
  expect(dispatchRequests(world).map(({ acted }) => acted)).toEqual([false, true]);
}

const LOST: readonly FaultKind[] = ['reset-after', 'unparsable', 'status-after'];

for (const database of databases) {
  describe(`a dispatch on ${database.name}`, () => {
    it.each(LOST)(
      'that the forge has taken, with the answer lost (%s), is one run of its job (defects #3, #32)',
      async (kind) => {
        const world = await startWorld({ database });
        world.sim.addFault({ on: 'dispatch', kind });
        const { id } = await world.api.enqueue('linux', { template_id: 'build' });
        const done = await world.job(id, 'completed');
        expect(world.ourRuns()).toHaveLength(1);
        expect(done).toMatchObject({ run_id: world.ourRuns()[0]?.id, runner_name: 'linux-1' });
        expect(done.run_url).toBe(`${world.sim.url}/acme/app/actions/runs/${String(done.run_id)}`);
      },
    );

    it('that the forge has not taken is sent once more, when it surely started nothing (defect #16)', () =>
      isSentAgain(database, 'status-before'));

    it('and its twin, both without an answer, find a run each', async () => {
      const world = await startWorld({ database, forge: acme(2) });
      world.sim.addFault({ on: 'dispatch', kind: 'reset-after', times: 2 });
      await world.api.pauseGroup('linux');
      const jobs = [
        await world.api.enqueue('linux', { template_id: 'build' }),
        await world.api.enqueue('linux', { template_id: 'build' }),
      ];
      await world.api.unpauseGroup('linux');
      const done = await Promise.all(jobs.map(({ id }) => world.job(id, 'completed')));
      expect(done.map(({ run_id: id }) => id).toSorted()).toEqual(
        world
          .ourRuns()
          .map(({ id }) => id)
          .toSorted(),
      );
      expect(world.ourRuns()).toHaveLength(2);
    });

    it('without an answer never takes the run of somebody else (defect #3)', async () => {
      const world = await startWorld({ database, config: impatient });
      await dispatchByHand(world.sim, byHand);
      world.sim.addFault({ on: 'dispatch', kind: 'status-before' });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.forge('a dispatch that failed', ({ requests }) =>
        requests.some(({ endpoint, status }) => endpoint === 'dispatch' && status === 502),
      );
      await dispatchByHand(world.sim, byHand);
      const done = await world.job(id, 'completed');
      expect(world.runOf(done).actor).toBe(BOT);
      expect(world.sim.ledger().runs).toHaveLength(3);
    });

    it('whose run shows up late waits for it', async () => {
      const world = await startWorld({ database, forge: acme(2) });
      world.sim.setRunVisibility({ delayMs: 700 });
      world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
      const first = await world.api.enqueue('linux', { template_id: 'build' });
      const second = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(first.id, 'completed');
      await world.job(second.id, 'completed');
      expect(world.ourRuns()).toHaveLength(2);
    });
  });
}

describe('a dispatch to a workflow file whose name holds an @', () => {
  const file = 'deploy@prod.yaml';
  it.each([
    ['id', { correlation_input: CORRELATION_INPUT }],
    ['time', {}],
  ])('is not sent again when its answer is lost: its run is known by its %s', async (_, more) => {
    const templates = [template({ id: 'build', workflow_id: file, ...more })];
    const groups = { github: [{ ...linuxGroup, workflow_dispatch_templates: templates }] };
    const world = await startWorld({
      database: sqlite,
      config: { ...impatient, groups },
      forge: acme(2, { workflows: [workflow({ file })] }),
    });
    world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    const done = await world.job(id, 'completed');
    expect(world.ourRuns().map((run) => run.id)).toEqual([done.run_id]);
  });
});

describe('a dispatch that broke off before the forge could act', () => {
  it('is sent once more, when it surely started nothing (defect #16)', () =>
    isSentAgain(sqlite, 'reset-before'));
});

describe('a run that shows up after its dispatch was given up', () => {
  it('is cancelled and counted, and the job has the run of its second dispatch', async () => {
    const world = await startWorld({
      database: sqlite,
      config: { ...impatient, waits: { cancel_retry: '100ms' } },
      forge: acme(2),
      exceptions: { hiddenRuns: 1 },
    });
    world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
    world.sim.setRunVisibility({ delayMs: UNSEEN_MS });
    const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
    await world.forge('the lost run', ({ runs }) => runs.length === 1);
    world.sim.setRunVisibility({ delayMs: 0 });
    const running = await world.job(id, 'running');
    await world.moveTime(UNSEEN_MS);
    await world.forge(
      'the lost run is cancelled',
      ({ runs }) => runs[0]?.conclusion === 'cancelled',
    );
    expect(running.run_id).toBe(world.ourRuns()[1]?.id);
    expect(world.ourRuns()[1]?.conclusion).toBeNull();
    await world.until(
      'the late run is counted',
      () => world.api.metrics(),
      (metrics) => metrics.get('dispatchoor_late_runs_total{group="linux"}') === 1,
    );
    world.sim.completeRun(running.run_id ?? 0, 'success');
    await world.job(id, 'completed');
  });
});
