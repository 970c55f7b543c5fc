/** The run of a lost answer that listings do not show: they lag, or fail. */
import { describe, expect, it } from 'vitest';
import { type Forge, ForgeError } from '../src/forge/forge.ts';
import { impatient } from './harness/config-file.ts';
import { acme, namedGroups, plainGroups, UNSEEN_MS } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, type World, type WorldOptions } from './harness/world.ts';

const SECRET = 'what the forge signs its webhooks with';
const LIMIT = { kind: 'secondary-limit', status: 429, retryAfterS: 1 } as const;

async function startHooked(
  options: Pick<WorldOptions, 'database' | 'wrapForge'>,
  groups: typeof namedGroups | typeof plainGroups = namedGroups,
): Promise<World> {
  const github = { ...impatient.github, webhook_secret: SECRET };
  const config = { ...impatient, github, groups };
  const world = await startWorld({ ...options, config, forge: acme(2) });
  world.sim.addHook({ owner: 'acme', url: `${world.url}/webhook/github/github`, secret: SECRET });
  return world;
}

/** Its plain listings fail. */
function searchOnly(forge: Forge): Forge {
  const listRuns: Forge['listRuns'] = (owner, repo, filter, signal) =>
    filter.isPlain === true
      ? Promise.reject(new ForgeError('502', { code: 'unavailable', acted: 'no', status: 502 }))
      : forge.listRuns(owner, repo, filter, signal);
  return new Proxy(forge, {
    get: (target, key) => {
      if (key === 'listRuns') return listRuns;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** @returns the job, once the run that it has started is over */
async function loseAnswer(world: World): Promise<string> {
  world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
  const { id } = await world.api.enqueue('linux', { template_id: 'build' });
  await world.forge('its run is over', ({ runs }) => runs.some((run) => run.conclusion !== null));
  return id;
}

describe.each(databases)(
  'the run of a lost answer that webhooks have told of, on $name',
  (database) => {
    it.each([
      ['its id', namedGroups],
      ['its time', plainGroups],
    ])('is its run by %s, and is not started again, though all listings lag', async (_, groups) => {
      const world = await startHooked({ database }, groups);
      world.sim.setRunVisibility({ delayMs: UNSEEN_MS });
      const done = await world.job(await loseAnswer(world), 'completed');
      expect(done.run_id).toBe(world.ourRuns()[0]?.id);
      expect(world.dispatches()).toBe(1);
    });

    it('is its run though it was deleted before any listing has shown it', async () => {
      const world = await startHooked({ database });
      world.sim.setRunVisibility({ delayMs: UNSEEN_MS });
      const id = await loseAnswer(world);
      world.sim.deleteRun(world.ourRuns()[0]?.id ?? 0);
      const ended = await world.job(id, ({ completed_at: at }) => at !== null);
      expect(ended.run_id).toBe(world.ourRuns()[0]?.id);
      expect(world.dispatches()).toBe(1);
    });

    it.each([
      ['fail', { kind: 'status-before' }],
      ['meet a limit each time: what can be read by its id is', LIMIT],
    ] as const)('is its run by its id, while listings %s', async (_, fault) => {
      const world = await startHooked({ database });
      world.sim.addFault({ on: 'listRuns', times: 'always', ...fault });
      const done = await world.job(await loseAnswer(world), 'completed');
      expect(done.run_id).toBe(world.ourRuns()[0]?.id);
      expect(world.dispatches()).toBe(1);
    });

    it('is its run by its id, while searches lag and plain listings fail', async () => {
      const world = await startHooked({ database, wrapForge: searchOnly });
      world.sim.setRunVisibility({ delayMs: UNSEEN_MS });
      const done = await world.job(await loseAnswer(world), 'completed');
      expect(done.run_id).toBe(world.ourRuns()[0]?.id);
      expect(world.dispatches()).toBe(1);
    });
  },
);
