import { describe, expect, it } from 'vitest';
import { impatient } from './harness/config-file.ts';
import { acme, runners } from './harness/scenes.ts';
import { sqlite, startWorld } from './harness/world.ts';

/** Beyond this an attempt of an impatient server whose run no whole listing shows would be concluded absent. */
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
    const world = await startWorld({ database: sqlite, config: impatient });
    const odd = { on: 'listRuns', kind: 'odd-entry', field: 'created_at' } as const;
    world.sim.addFault({ ...odd, times: 'always' });
    world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
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
});
