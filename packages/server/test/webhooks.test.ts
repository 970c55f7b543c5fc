import { describe, expect, it } from 'vitest';
import { acme, BOT, HUMAN_TOKEN, LONG, workflow } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, sqlite, type World, type WorldOptions } from './harness/world.ts';

const SECRET = 'what the forge signs its webhooks with';

/** Nothing but webhooks can tell the server what happens. */
const deaf = {
  github: {
    webhook_secret: SECRET,
    poll_interval: '1h',
    poll_interval_with_webhooks: '1h',
  },
  dispatcher: { interval: '1h', tracking_interval: '1h', tracking_interval_with_webhooks: '1h' },
};

async function startHooked(options: WorldOptions): Promise<World> {
  const world = await startWorld({ config: deaf, ...options });
  world.sim.addHook({ owner: 'acme', url: `${world.url}/webhook/github/github`, secret: SECRET });
  return world;
}

/** Alice starts a run by hand, which lasts until it is ended. Its id. */
async function dispatchAsHuman(world: World, repo = 'app'): Promise<number> {
  const url = `${world.sim.url}/repos/acme/${repo}/actions/workflows/build.yaml/dispatches`;
  const { status } = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${HUMAN_TOKEN}`,
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
      'user-agent': 'a script of alice',
    },
    body: JSON.stringify({ ref: 'main', inputs: LONG }),
  });
  expect(status).toBe(204);
  const { runs } = await world.forge('the run is there', ({ runs }) =>
    runs.some(({ actor }) => actor !== BOT),
  );
  return runs.find(({ actor }) => actor !== BOT)?.id ?? 0;
}

for (const database of databases) {
  describe(`webhooks on ${database.name}`, () => {
    it('alone carry jobs to their end, one runner after the other', async () => {
      const world = await startHooked({ database, forge: acme(1) });
      const added = await Promise.all(
        [1, 2, 3].map(() => world.api.enqueue('linux', { template_id: 'build' })),
      );
      for (const { id } of added) await world.job(id, 'completed');
      expect(world.dispatches()).toBe(3);
      const { requests } = world.sim.ledger();
      const asked = requests.filter(({ endpoint }) => endpoint !== 'dispatch');
      expect(asked.length).toBeLessThan(10);
    });

    it('make runners busy and free that others use', async () => {
      const world = await startHooked({ database, forge: acme(1) });
      const [runner] = await world.until(
        'the runner is listed',
        () => world.store.runners.listRunners(),
        (listed) => listed.length > 0,
      );
      const isBusy = async (wanted: boolean): Promise<void> => {
        await world.until(
          `the runner is ${wanted ? 'busy' : 'free'}`,
          () => world.store.runners.listRunners(),
          ([one]) => one?.id === runner?.id && one?.isBusy === wanted,
        );
      };
      const id = await dispatchAsHuman(world);
      await isBusy(true);
      const { id: jobId } = await world.api.enqueue('linux', { template_id: 'build' });
      world.sim.completeRun(id, 'success');
      await world.job(jobId, 'completed');
    });
  });
}

describe('when webhooks fail', () => {
  const quick = {
    github: {
      ...deaf.github,
      poll_interval: '300ms',
      poll_interval_with_webhooks: '1h',
      webhook_grace: '300ms',
    },
    dispatcher: { ...deaf.dispatcher, tracking_interval: '300ms' },
  };

  it('polling comes back once they stop', async () => {
    const world = await startHooked({ database: sqlite, forge: acme(1), config: quick });
    const first = await world.api.enqueue('linux', { template_id: 'build' });
    await world.job(first.id, 'completed');
    world.sim.pauseHooks();
    for (let n = 0; n < 3; n += 1) {
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(id, 'completed');
    }
  });

  it('polling comes back when only some repositories have any', async () => {
    const github = { ...quick.github, poll_interval_with_webhooks: '2s' };
    const world = await startWorld({
      ...{ database: sqlite, config: { ...quick, github } },
      forge: acme(1, {
        repos: [{ owner: 'acme', name: 'other' }],
        workflows: [workflow({ repo: 'other' })],
      }),
    });
    const url = `${world.url}/webhook/github/github`;
    world.sim.addHook({ owner: 'acme', repo: 'app', url, secret: SECRET });
    await world.until(
      'the runner is listed',
      () => world.store.runners.listRunners(),
      (listed) => listed.length > 0,
    );
    const runId = await dispatchAsHuman(world, 'other');
    await world.until(
      'a webhook is missed',
      () => world.store.webhooks.findFlow('github'),
      ({ missedAt }) => missedAt !== null,
    );
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    world.sim.completeRun(runId, 'success');
    await world.job(id, 'completed');
  });

  it('a job ends whose end was not told when its run is started again', async () => {
    const world = await startHooked({ database: sqlite, forge: acme(1) });
    const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
    const run = world.runOf(await world.job(id, 'running'));
    world.sim.setHookFaults({ lost: 1 });
    world.sim.completeRun(run.id, 'success');
    await world.forge('the run is over', ({ runs }) =>
      runs.some((one) => one.id === run.id && one.status === 'completed'),
    );
    world.sim.setHookFaults({ lost: 0 });
    world.sim.rerun(run.id);
    await world.job(id, 'completed');
  });

  it('jobs end once each though deliveries are lost, doubled and reordered', async () => {
    const world = await startHooked({
      database: sqlite,
      forge: acme(3),
      config: quick,
      sim: { seed: 7 },
    });
    world.sim.setHookFaults({ lost: 0.2, doubled: 0.2, reordered: true });
    const added = await Promise.all(
      Array.from({ length: 20 }, () => world.api.enqueue('linux', { template_id: 'build' })),
    );
    for (const { id } of added) await world.job(id, 'completed');
    expect(world.dispatches()).toBe(20);
  });
});
