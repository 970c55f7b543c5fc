import { describe, expect, it } from 'vitest';
import { impatient } from './harness/config-file.ts';
import { acme, dispatchByHand, HUMAN_TOKEN, runners } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { sqlite, type World } from './harness/world.ts';

/** So that a listing which is never whole is given up long after an attempt would be concluded absent. */
const patient = { ...impatient, dispatcher: { ...impatient.dispatcher, recheck_after: '3s' } };

/** Beyond this an attempt of such a server whose run no whole listing shows would be concluded absent. */
const LOOKUP_OVER_MS = 8_000;

describe('a forge whose lists are odd', () => {
  it('and whose pages of runners never add up: free ones get jobs, and those gone are not shown for ever', async () => {
    const spare = runners(150, ['self-hosted', 'spare']);
    const world = await startWorld({
      database: sqlite,
      forge: acme(1, { runners: spare }),
      prepare: (sim) => {
        sim.addFault({ on: 'listRunners', kind: 'shifting-pages', shift: 3, times: 'always' });
      },
    });
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    await world.job(id, 'completed');
    const gone = world.sim.ledger().runners.filter(({ name }) => /^spare-\d$/.test(name));
    expect(gone).toHaveLength(9);
    for (const runner of gone) world.sim.removeRunner(runner.id);
    await world.until(
      'they are gone',
      () => world.api.runners(),
      (shown) => shown.every(({ name }) => !/^spare-\d$/.test(name)),
    );
  });

  it('(one runner without labels): the others get jobs, and it is told once', async () => {
    const world = await startWorld({
      database: sqlite,
      forge: acme(2),
      prepare: (sim) => {
        const odd = { on: 'listRunners', kind: 'odd-entry', field: 'labels', id: 1 } as const;
        sim.addFault({ ...odd, times: 'always' });
      },
    });
    const jobs = [
      await world.api.enqueue('linux', { template_id: 'build' }),
      await world.api.enqueue('linux', { template_id: 'build' }),
    ];
    for (const { id } of jobs) await world.job(id, 'completed');
    expect(await world.api.runners()).toHaveLength(1);
    expect(world.logLines.filter((line) => line.includes('were left out'))).toHaveLength(1);
  });

  it('(the run of a lost answer cannot be read): its job is never sent a second time', async () => {
    const world = await startWorld({ database: sqlite, config: patient });
    oddRuns(world);
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    await world.forge('three looks after it would be called absent', ({ requests }) => {
      const sent = requests.find(({ endpoint }) => endpoint === 'dispatch');
      const isLate = (at: number): boolean => at > (sent?.at ?? Infinity) + LOOKUP_OVER_MS;
      const looks = requests.filter(({ endpoint, at }) => endpoint === 'listRuns' && isLate(at));
      return looks.length >= 6;
    });
    expect(world.dispatches()).toBe(1);
    world.sim.clearFaults();
    await world.job(id, 'completed');
    expect(world.ourRuns()).toHaveLength(1);
  });

  it('(it can never be read): its job fails in the end, and is not sent again', async () => {
    const exceptions = { hiddenRuns: 1, ambiguousRuns: 1 };
    const world = await startWorld({ database: sqlite, config: impatient, exceptions });
    oddRuns(world);
    const { id } = await world.api.enqueue('linux', { template_id: 'build', auto_requeue: true });
    const failed = await world.job(id, 'failed');
    expect(failed.error_message).toContain('outcome-ambiguous');
    expect(await world.api.queue('linux')).toEqual([]);
    expect(world.dispatches()).toBe(1);
  });

  it.each([
    ['both kinds of listings', 4],
    ['searches only', 2],
  ])(
    '(after an outage what comes first cannot be read whole, of %s): a dispatch that started nothing is sent again',
    async (_, times) => {
      const world = await startWorld({ database: sqlite, config: patient });
      // What an odd list is to show.
      await dispatchByHand(world.sim, { workflow: 'build.yaml', token: HUMAN_TOKEN });
      world.sim.addFault({ on: 'listRuns', kind: 'status-before', times: 'always' });
      world.sim.addFault({ on: 'dispatch', kind: 'status-before' });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.until(
        'a dispatch without an answer',
        () => world.store.runs.listLive('github'),
        (live) => live.some(({ state }) => state === 'unknown'),
      );
      await world.forge('a look in vain', ({ requests }) =>
        requests.some(({ endpoint, status }) => endpoint === 'listRuns' && status === 502),
      );
      await world.moveTime(20 * 60_000);
      world.sim.clearFaults();
      world.sim.addFault({ on: 'listRuns', kind: 'odd-entry', field: 'created_at', times });
      await world.job(id, 'completed');
      expect(world.ourRuns()).toHaveLength(1);
    },
  );

  it('(a run of long ago cannot be read): a dispatch that started nothing is sent again', async () => {
    const world = await startWorld({ database: sqlite, config: impatient });
    for (let count = 0; count < 2; count += 1) {
      await dispatchByHand(world.sim, { workflow: 'build.yaml', token: HUMAN_TOKEN });
    }
    const { runs } = await world.forge('two runs of long ago', (ledger) =>
      ledger.runs.every(({ status }) => status === 'completed'),
    );
    await world.moveTime(60 * 60_000);
    const odd = { on: 'listRuns', kind: 'odd-entry', field: 'created_at' } as const;
    world.sim.addFault({ ...odd, id: Math.min(...runs.map(({ id }) => id)), times: 'always' });
    world.sim.addFault({ on: 'dispatch', kind: 'status-before' });
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    await world.job(id, 'completed');
    expect(world.ourRuns()).toHaveLength(1);
  });
});

/** The answer to the first dispatch is lost, and no run can be read. */
function oddRuns({ sim }: World): void {
  sim.addFault({ on: 'listRuns', kind: 'odd-entry', field: 'created_at', times: 'always' });
  sim.addFault({ on: 'dispatch', kind: 'reset-after' });
}
