import { describe, expect, it } from 'vitest';
import { type Dispatch, ForgeError } from '../src/forge/forge.ts';
import { acme, LONG, linuxGroup, runners, template, workflow } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, sqlite, type World, type WorldOptions } from './harness/world.ts';

const REPOS = ['bad', 'worse'] as const;
/** Workflows of `bad`, each with its template. */
const FILES = Array.from({ length: 10 }, (_, n) => `flow-${n}.yaml`);

const config = {
  // On a slow machine runners listed every 100 ms are stale more often than fresh.
  github: { poll_interval: '1s' },
  groups: {
    github: [
      {
        ...linuxGroup,
        workflow_dispatch_templates: [
          template({ id: 'build' }),
          ...REPOS.map((repo) => template({ id: repo, repo })),
          ...FILES.map((file) => template({ id: file, repo: 'bad', workflow_id: file })),
        ],
      },
    ],
  },
};

const forge = acme(24, {
  repos: REPOS.map((name) => ({ owner: 'acme', name })),
  workflows: [
    ...REPOS.map((repo) => workflow({ repo })),
    ...FILES.map((file) => workflow({ repo: 'bad', file })),
  ],
});

const failAlways = (world: World, repo: string): void => {
  world.sim.addFault({ on: 'dispatch', repo, kind: 'status-before', status: 500, times: 'always' });
};

const dispatchesTo = (world: World, repo: string): number =>
  world.sim
    .ledger()
    .requests.filter((request) => request.endpoint === 'dispatch' && request.repo === repo).length;

/** Eight jobs of each repository, before all others in the queue, and all of them have begun to fail. */
async function queueFailing(world: World, repos: readonly string[]): Promise<void> {
  for (const repo of repos) {
    for (let count = 0; count < 8; count += 1) {
      await world.api.enqueue('linux', { template_id: repo, priority: 10 });
    }
  }
  await world.forge('they fail', () => repos.every((repo) => dispatchesTo(world, repo) > 0));
}

/** The moment at which what stops a job is over by itself has just passed. */
async function moveToRetry(world: World, why: { readonly retry_at: string | null }): Promise<void> {
  await world.moveTime(Date.parse(why.retry_at ?? '') - world.clock.now() + 1_000);
}

/** Where a dispatch is counted, jobs that come back in turn use up all that may be sent. */
const RATED = {
  ...config,
  github: { ...config.github, dispatch_rate: { burst: 20, per_second: 1 } },
};

describe('a workflow whose dispatch is always answered', () => {
  it.each([
    ['401, with a token that works', 401, undefined],
    ['401, where nobody says whether the token works', 401, { on: 'user', status: 502 }],
    ['409', 409, undefined],
    [
      '404, of a repository of which nobody says whether it can be read',
      404,
      { on: 'repoGet', repo: 'bad', status: 500 },
    ],
  ] as const)('%s, keeps no job of another repository waiting', async (_what, status, unsaid) => {
    const world = await startWorld({ database: sqlite, config: RATED, forge });
    const always = { kind: 'status-before', times: 'always' } as const;
    world.sim.addFault({ ...always, on: 'dispatch', repo: 'bad', status });
    if (unsaid !== undefined) world.sim.addFault({ ...always, ...unsaid });
    for (let count = 0; count < 30; count += 1) {
      await world.api.enqueue('linux', { template_id: 'bad', priority: 10 });
    }
    await world.forge('it is refused', () => dispatchesTo(world, 'bad') > 0);
    const good = await world.api.enqueue('linux', { template_id: 'build' });
    await world.job(good.id, 'completed');
    expect(dispatchesTo(world, 'bad')).toBeLessThan(20);
  });
});

/** What stands before the forge minds what is in some jobs, whatever else it lets pass. */
const refusing =
  (note: string): WorldOptions['wrapForge'] =>
  (forge) =>
    new Proxy(forge, {
      get: (target, name) => {
        if (name === 'dispatch') {
          return (dispatch: Dispatch, signal: AbortSignal) => {
            if (dispatch.inputs['note'] !== note) return target.dispatch(dispatch, signal);
            const failure = { code: 'conflict', acted: 'no', status: 409 } as const;
            return Promise.reject(new ForgeError('could not dispatch (409)', failure));
          };
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });

it('jobs that are refused at each try do not keep others of their workflow waiting', async () => {
  const world = await startWorld({ database: sqlite, config, forge, wrapForge: refusing('bad') });
  await world.api.pauseGroup('linux');
  const job = { template_id: 'build', priority: 10, inputs: { note: 'bad' } };
  for (let count = 0; count < 3; count += 1) await world.api.enqueue('linux', job);
  const good = await world.api.enqueue('linux', { template_id: 'build' });
  await world.api.unpauseGroup('linux');
  await world.job(good.id, 'completed');
  expect(world.ourRuns()).toHaveLength(1);
});

it('three workflows that always fail leave a good job the only runner, though each sending is in doubt for minutes', async () => {
  const world = await startWorld({
    database: sqlite,
    config: {
      ...config,
      github: { poll_interval: '60s' },
      dispatcher: { run_lookup_timeout: '5m', pickup_timeout: '15m' },
    },
    forge: { ...forge, runners: runners(1) },
  });
  failAlways(world, 'bad');
  await world.api.pauseGroup('linux');
  for (let count = 0; count < 4; count += 1) {
    for (const file of FILES.slice(0, 3)) await world.api.enqueue('linux', { template_id: file });
  }
  const good = await world.api.enqueue('linux', { template_id: 'build' });
  await world.api.unpauseGroup('linux');
  const isSent = async () => (await world.api.job(good.id)).status !== 'pending';
  await world.passTimeUntil('the good job is sent', isSent);
  // Each of the three once, and the first again before the others were known to fail.
  expect(dispatchesTo(world, 'bad')).toBeLessThanOrEqual(6);
});

it('ten workflows of a broken repository leave good jobs the only runner once three of them have failed', async () => {
  const world = await startWorld({
    database: sqlite,
    config: {
      ...config,
      github: { poll_interval: '60s' },
      dispatcher: { run_lookup_timeout: '5m', pickup_timeout: '15m' },
    },
    forge: { ...forge, runners: runners(1) },
  });
  failAlways(world, 'bad');
  await world.api.pauseGroup('linux');
  for (const file of FILES) await world.api.enqueue('linux', { template_id: file });
  const good: string[] = [];
  for (let n = 0; n < 3; n += 1) {
    good.push((await world.api.enqueue('linux', { template_id: 'build' })).id);
  }
  await world.api.unpauseGroup('linux');
  await world.passTimeUntil('the good jobs have run', async () => {
    const jobs = await Promise.all(good.map((id) => world.api.job(id)));
    return jobs.every(({ status }) => status === 'completed');
  });
  // After the first good one the three are tried anew, and no more of them.
  expect(dispatchesTo(world, 'bad')).toBeLessThanOrEqual(6);
});

it('a limit that one workflow meets each time does not keep others waiting, where one runner is all there is', async () => {
  const world = await startWorld({
    database: sqlite,
    config: { ...config, github: { poll_interval: '60s' } },
    forge: { ...forge, runners: runners(1) },
  });
  const limit = { kind: 'secondary-limit', status: 429, retryAfterS: 60, times: 'always' } as const;
  world.sim.addFault({ on: 'dispatch', repo: 'bad', ...limit });
  await world.api.pauseGroup('linux');
  await world.api.enqueue('linux', { template_id: 'bad', priority: 10 });
  const good = await world.api.enqueue('linux', { template_id: 'build' });
  await world.api.unpauseGroup('linux');
  const isDone = async () => (await world.api.job(good.id)).status === 'completed';
  await world.passTimeUntil('the good job has run', isDone);
  expect(dispatchesTo(world, 'bad')).toBeLessThanOrEqual(3);
});

it.each([
  ['its dispatch', 'dispatch'],
  ['the look at its repository after a 404', 'repoGet'],
] as const)(
  'a limit that %s meets each time keeps no good job of another repository waiting',
  async (_what, on) => {
    // Its first pause is shorter than the stop, and far longer than good jobs take to be sent.
    const waits = { forge_breaker: '10h' };
    const world = await startWorld({ database: sqlite, config: { ...config, waits }, forge });
    const always = { repo: 'bad', times: 'always' } as const;
    const limit = { kind: 'secondary-limit', status: 429, retryAfterS: 800 } as const;
    world.sim.addFault({ ...always, ...limit, on });
    if (on === 'repoGet') {
      world.sim.addFault({ ...always, on: 'dispatch', kind: 'status-before', status: 404 });
    }
    const bad = await world.api.enqueue('linux', { template_id: 'bad', priority: 10 });
    for (let met = 1; met <= 3; met += 1) {
      await world.forge('it is met', () => dispatchesTo(world, 'bad') >= met);
      let good = '';
      for (let count = 0; count < 4; count += 1) {
        good = (await world.api.enqueue('linux', { template_id: 'build' })).id;
      }
      await moveToRetry(world, await world.why(good, 'rate-limited'));
      const isOver = () =>
        dispatchesTo(world, 'app') === 4 * met || dispatchesTo(world, 'bad') > met;
      await world.forge('the good jobs are sent, or it is met again', isOver);
      expect(dispatchesTo(world, 'bad')).toBe(met);
      await moveToRetry(world, await world.why(bad.id, 'forge-unavailable'));
    }
  },
);

it('a limit that the cancel of one run meets each time does not keep jobs waiting, and it stays wanted', async () => {
  const paced = {
    github: { poll_interval: '60s' },
    dispatcher: { tracking_interval: '30s', interval: '5s' },
    waits: { cancel_retry: '30s' },
  };
  const world = await startWorld({ database: sqlite, config: { ...config, ...paced }, forge });
  const { id } = await world.api.enqueue('linux', { template_id: 'bad', inputs: LONG });
  await world.job(id, ({ run_id: run }) => run !== null && run > 0);
  const limit = { kind: 'secondary-limit', status: 429, retryAfterS: 60, times: 'always' } as const;
  world.sim.addFault({ on: 'cancel', repo: 'bad', ...limit });
  await world.api.cancel(id);
  for (let count = 0; count < 3; count += 1) {
    const good = await world.api.enqueue('linux', { template_id: 'build' });
    const isDone = async () => (await world.api.job(good.id)).status === 'completed';
    await world.passTimeUntil('the good job has run', isDone);
  }
  world.sim.clearFaults();
  const isCancelled = () =>
    world.sim.ledger().runs.some(({ conclusion }) => conclusion === 'cancelled');
  await world.passTimeUntil('it is cancelled', isCancelled);
});

for (const database of databases) {
  describe(`workflows that always fail, on ${database.name}`, () => {
    it('one of them does not keep a good job of another repository waiting', async () => {
      const world = await startWorld({ database, config, forge });
      failAlways(world, 'bad');
      await queueFailing(world, ['bad']);
      for (let count = 0; count < 3; count += 1) {
        const good = await world.api.enqueue('linux', { template_id: 'build' });
        await world.job(good.id, 'completed');
      }
      expect(world.ourRuns()).toHaveLength(3);
    });

    it('several of them do not, either: probes look for one that works', async () => {
      const world = await startWorld({ database, config, forge });
      for (const repo of REPOS) failAlways(world, repo);
      await queueFailing(world, REPOS);
      for (let count = 0; count < 3; count += 1) {
        const good = await world.api.enqueue('linux', { template_id: 'build' });
        await world.job(good.id, 'completed');
      }
      expect(world.ourRuns()).toHaveLength(3);
    });

    it('several of them do not, where one runner is all there is', async () => {
      const fixture = { ...forge, runners: runners(1) };
      const world = await startWorld({ database, config, forge: fixture });
      const fault = { on: 'dispatch', kind: 'status-before', status: 423 } as const;
      for (const repo of REPOS) world.sim.addFault({ ...fault, repo, times: 'always' });
      await queueFailing(world, REPOS);
      for (let count = 0; count < 3; count += 1) {
        const good = await world.api.enqueue('linux', { template_id: 'build' });
        await world.job(good.id, 'completed');
      }
      expect(world.ourRuns()).toHaveLength(3);
    });

    it.each([
      [1, ['bad']],
      [2, REPOS],
    ])('ten of one repository do not, either, with %i repositories broken', async (_, broken) => {
      const world = await startWorld({ database, config, forge });
      for (const repo of broken) failAlways(world, repo);
      await world.api.pauseGroup('linux');
      for (const file of FILES) await world.api.enqueue('linux', { template_id: file });
      for (const repo of broken) await world.api.enqueue('linux', { template_id: repo });
      const good = await world.api.enqueue('linux', { template_id: 'build' });
      await world.api.unpauseGroup('linux');
      await world.job(good.id, 'completed');
      expect(world.ourRuns()).toHaveLength(1);
    });

    it('pause, say so, and go on by themselves once they work', async () => {
      const world = await startWorld({ database, config, forge });
      // A refusal that has surely started nothing, so that no job is in doubt.
      const fault = { on: 'dispatch', repo: 'bad', kind: 'status-before', status: 423 } as const;
      world.sim.addFault({ ...fault, times: 'always' });
      const { id } = await world.api.enqueue('linux', { template_id: 'bad', inputs: LONG });
      // While its next try is due nobody knows when that will go.
      const isPause = (why: Awaited<ReturnType<typeof world.api.why>>): boolean =>
        why.code === 'forge-unavailable' && why.retry_at !== null;
      const why = await world.until('its pause', () => world.api.why(id), isPause);
      expect(why.message).toContain('acme/bad');
      world.sim.clearFaults();
      await world.moveTime(60_000);
      const running = await world.job(id, 'running');
      world.sim.completeRun(running.run_id ?? 0, 'success');
      await world.job(id, 'completed');
      expect(world.ourRuns()).toHaveLength(1);
    });
  });

  describe(`jobs behind those that wait for a lost answer, on ${database.name}`, () => {
    const manual = { owner: 'acme', repo: 'bad', workflow_id: 'build.yaml', ref: 'main' };
    it.each([
      ['manual jobs', manual],
      ['jobs with a ref of their own', { template_id: 'bad', ref: 'refs/heads/main' }],
      ['jobs of a template', { template_id: 'bad' }],
    ])('go on to another repository, though %s are before them', async (_, job) => {
      const world = await startWorld({
        database,
        config,
        forge: { ...forge, runners: runners(3) },
      });
      world.sim.addFault({ on: 'dispatch', repo: 'bad', kind: 'status-before', status: 502 });
      const lost = await world.api.enqueue('linux', { ...job, inputs: { note: 'lost' } });
      await world.until(
        'a lost answer',
        () => world.store.runs.listLive('github'),
        ([attempt]) => attempt?.state === 'unknown' && attempt.jobId === lost.id,
      );
      await world.api.pauseGroup('linux');
      for (let n = 0; n < 12; n += 1) {
        await world.api.enqueue('linux', { ...job, inputs: { note: String(n) } });
      }
      const good = await world.api.enqueue('linux', { template_id: 'build' });
      await world.api.unpauseGroup('linux');
      await world.job(good.id, 'completed');
      expect(world.ourRuns()).toHaveLength(1);
    });
  });
}
