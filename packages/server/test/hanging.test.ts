import type { EndpointName } from '@dispatchoor/forge-sim';
import { describe, expect, it } from 'vitest';
import type { ConfigKeys } from './harness/config-file.ts';
import { acme, LINUX, LONG, linuxGroup, template, workflow } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { sqlite, type World } from './harness/world.ts';

/** Longer than any wait of a test: what waits for the request that hangs never comes. */
const config = {
  github: { request_timeout: '10m' },
  dispatcher: { run_lookup_timeout: '30m', pickup_timeout: '30m' },
  groups: {
    github: [
      {
        ...linuxGroup,
        workflow_dispatch_templates: [
          template({ id: 'build' }),
          template({ id: 'slow', repo: 'slow' }),
          template({ id: 'ann', owner: 'ann', repo: 'tool' }),
        ],
      },
    ],
  },
};

const forge = acme(4, {
  owners: [{ login: 'ann', type: 'User' }],
  repos: [
    { owner: 'acme', name: 'slow' },
    { owner: 'ann', name: 'tool' },
  ],
  workflows: [workflow({ repo: 'slow' }), workflow({ owner: 'ann', repo: 'tool' })],
  runners: [{ scope: 'repo:ann/tool', name: 'tool-1', labels: [...LINUX] }],
});

function start(
  prepare: (sim: World['sim']) => void = () => undefined,
  dispatcher: ConfigKeys = {},
): Promise<World> {
  const keys = { ...config, dispatcher: { ...config.dispatcher, ...dispatcher } };
  return startWorld({ database: sqlite, config: keys, forge, prepare });
}

/** From now on requests of this kind about `repo` get no answer. Waits for the first of them. */
async function hang(world: World, on: EndpointName, where: { owner?: string; repo?: string }) {
  world.sim.addFault({ on, ...where, kind: 'hold-before', times: 'always' });
  await world.forge('a request that hangs', ({ requests }) =>
    requests.some(({ endpoint, fault }) => endpoint === on && fault === 'hold-before'),
  );
}

/** How many such requests have begun. */
function held({ sim }: World): number {
  return sim.ledger().requests.filter(({ fault }) => fault === 'hold-before').length;
}

describe('a forge that does not answer', () => {
  it('about the runs of one repository delays those of no other, and is asked one thing at a time', async () => {
    const world = await start();
    const slow = await world.api.enqueue('linux', { template_id: 'slow', inputs: LONG });
    await world.job(slow.id, 'running');
    await hang(world, 'listRuns', { repo: 'slow' });
    for (let count = 0; count < 3; count += 1) {
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(id, 'completed');
    }
    expect(held(world)).toBe(1);
    world.sim.completeRun(world.runOf(await world.api.job(slow.id)).id, 'success');
    world.sim.clearFaults();
    await world.job(slow.id, 'completed');
  });

  it('about many repositories of one owner delays those of no other', async () => {
    const repos = Array.from({ length: 18 }, (_, n) => `tool-${String(n)}`);
    const templates = repos.map((repo) => template({ id: repo, owner: 'ann', repo }));
    const world = await startWorld({
      database: sqlite,
      config: {
        ...config,
        groups: {
          github: [
            {
              ...linuxGroup,
              workflow_dispatch_templates: [template({ id: 'build' }), ...templates],
            },
          ],
        },
      },
      forge: acme(4, {
        owners: [{ login: 'ann', type: 'Organization' }],
        repos: repos.map((name) => ({ owner: 'ann', name })),
        workflows: repos.map((repo) => workflow({ owner: 'ann', repo })),
        runners: repos.map((name) => ({ scope: 'org:ann', name, labels: [...LINUX] })),
      }),
    });
    for (const repo of repos) await world.api.enqueue('linux', { template_id: repo, inputs: LONG });
    await world.forge('all run', ({ runs }) => runs.length === repos.length);
    world.sim.addFault({ on: '*', owner: 'ann', kind: 'hold-before', times: 'always' });
    await world.forge('reads that hang, as many as may', () => held(world) >= 12);
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    await world.job(id, 'completed');
  });

  it('about the runners of one owner delays those of no other', async () => {
    const world = await start((sim) => {
      sim.addFault({ on: 'listRunners', owner: 'ann', kind: 'hold-before', times: 'always' });
    });
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    await world.job(id, 'completed');
    world.sim.addRunner({ scope: 'org:acme', name: 'new', labels: [...LINUX] });
    await world.until(
      'a runner that came later',
      () => world.api.runners(),
      (runners) => runners.some(({ name }) => name === 'new'),
    );
    expect(held(world)).toBe(1);
    world.sim.clearFaults();
    await world.until(
      'the runners of both',
      () => world.api.runners(),
      (runners) => runners.length === 6,
    );
  });

  it('what one owner is delays the runners of no other', async () => {
    const world = await start((sim) => {
      sim.addFault({ on: 'userGet', owner: 'ann', kind: 'hold-before', times: 'always' });
    });
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    await world.job(id, 'completed');
    expect(await world.api.runners()).toHaveLength(4);
    expect(held(world)).toBe(1);
    world.sim.clearFaults();
    await world.until(
      'the runners of both',
      () => world.api.runners(),
      (runners) => runners.length === 5,
    );
  });

  it('whose owner is not known after a restart keeps that owner’s runners', async () => {
    const world = await start();
    const all = await world.until(
      'the runners of both',
      () => world.api.runners(),
      (runners) => runners.length === 5,
    );
    world.sim.addFault({ on: 'userGet', kind: 'hold-before', times: 'always' });
    await world.restart();
    world.sim.addRunner({ scope: 'org:acme', name: 'new', labels: [...LINUX] });
    const runners = await world.until(
      'a runner that came later',
      () => world.api.runners(),
      (seen) => seen.some(({ name }) => name === 'new'),
    );
    expect(runners.map(({ id }) => id)).toEqual(expect.arrayContaining(all.map(({ id }) => id)));
    world.sim.clearFaults();
  });

  it.each([
    ['one cancel', 'cancel'],
    ['what is asked before one cancel', 'getRun'],
  ] as const)('to %s delays no other, nor those of its repository', async (_, on) => {
    const world = await start();
    const started = async (template_id: string): Promise<string> => {
      const { id } = await world.api.enqueue('linux', { template_id, inputs: LONG });
      await world.job(id, 'running');
      return id;
    };
    const slow = await started('slow');
    const next = [await started('slow'), await started('build')];
    world.sim.addFault({ on, repo: 'slow', kind: 'hold-before' });
    await world.api.cancel(slow);
    await world.forge('a cancel that hangs', () => held(world) === 1);
    for (const id of next) await world.api.cancel(id);
    await world.forge('the others are cancelled', ({ runs }) =>
      runs.slice(1).every(({ conclusion }) => conclusion === 'cancelled'),
    );
    expect(world.sim.ledger().runs[0]?.conclusion).toBeNull();
    world.sim.clearFaults();
    await world.forge('all are cancelled', ({ runs }) =>
      runs.every(({ conclusion }) => conclusion === 'cancelled'),
    );
  });

  it('about a repository in time: what happens there meanwhile is looked at right after, whatever the interval', async () => {
    const world = await start(undefined, { tracking_interval: '10m' });
    const first = await world.api.enqueue('linux', { template_id: 'slow', inputs: LONG });
    await world.job(first.id, 'running');
    // Its answer is made now and comes later.
    const { id: hold } = world.sim.addFault({ on: 'listRuns', repo: 'slow', kind: 'hold' });
    const second = await world.api.enqueue('linux', { template_id: 'slow', inputs: LONG });
    await world.forge('a look that hangs', ({ requests }) =>
      requests.some(({ fault, acted }) => fault === 'hold' && acted),
    );
    const busy = (count: number) =>
      world.until(
        `busy runners: ${String(count)}`,
        () => world.api.runners(),
        (runners) => runners.filter((runner) => runner.busy).length === count,
      );
    await busy(2);
    world.sim.completeRun(world.runOf(await world.api.job(first.id)).id, 'success');
    await busy(1);
    // So long that no listing of runners misses it: nothing else tells of it.
    const other = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
    world.sim.completeRun(world.runOf(await world.job(other.id, 'running')).id, 'success');
    await world.job(other.id, 'completed');
    world.sim.release(hold);
    await world.job(first.id, 'completed');
    await world.job(second.id, 'running');
  });
});
