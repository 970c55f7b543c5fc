import { describe, expect, it } from 'vitest';
import type { Run } from '../src/domain/attempt.ts';
import type { Forge } from '../src/forge/forge.ts';
import { impatient } from './harness/config-file.ts';
import { acme, BY_HAND, dispatchByHand, LONG, namedGroups, TOKEN } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, type Exceptions, sqlite, type World } from './harness/world.ts';

/** A dispatch that was taken, with its answer lost; nobody sees the run before `clearFaults`. */
async function loseAnswer(world: World): Promise<string> {
  world.sim.addFault({ on: 'listRuns', kind: 'status-before', times: 'always' });
  world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
  const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
  await world.forge('the lost run', ({ runs }) => runs.length === 1);
  await world.until(
    'the answer is missed',
    () => world.store.runs.listLive('github'),
    ([attempt]) => attempt?.state === 'unknown',
  );
  return id;
}

const STEPS: Readonly<Record<string, (world: World) => void>> = {
  'our clock is put forward': ({ clock }) => {
    clock.moveBy(600_000);
  },
  'the forge’s clock is put forward': ({ sim }) => {
    sim.clock.setOffset(150_000);
  },
};

const DAY_MS = 86_400_000;

/** Two more clean-ups have begun: the first of them is over. */
async function cleanUpTwice(world: World): Promise<void> {
  const count = (): number =>
    world.logLines.filter((line) => line.includes('ahead of the forge')).length;
  const before = count();
  await world.until('two more clean-ups', count, (now) => now >= before + 2);
}

for (const database of databases) {
  describe(`our clock put 400 days forward, on ${database.name}`, () => {
    it('deletes no history, not by a restart either, before the forge’s clock agrees', async () => {
      const config = { history: { retention_days: 1, cleanup_interval: '100ms' } };
      const world = await startWorld({ database, config, exceptions: { hiddenRuns: 1 } });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(id, 'completed');
      const history = async () => (await world.api.wholeHistory('linux')).map((job) => job.id);
      world.clock.step(400 * DAY_MS);
      await cleanUpTwice(world);
      await world.restart();
      await cleanUpTwice(world);
      // A login lasts a day, by our clock.
      await world.login();
      expect(await history()).toEqual([id]);
      await world.moveTime(2 * DAY_MS);
      await world.login();
      await world.until('it is deleted', history, ({ length }) => length === 0);
      world.api.deleted.add(id);
    });
  });

  describe(`a dispatch whose answer was lost, on ${database.name}`, () => {
    it.each(Object.keys(STEPS))(
      'finds its run, and starts no second one, though %s',
      async (step) => {
        const world = await startWorld({ database, config: impatient, forge: acme(2) });
        const id = await loseAnswer(world);
        STEPS[step]?.(world);
        world.sim.clearFaults();
        const running = await world.job(id, 'running');
        expect(world.ourRuns().map((run) => run.id)).toEqual([running.run_id]);
      },
    );
  });
}

describe('a workflow that failed while our clock was a day ahead', () => {
  it('is not stopped for a day once that is put right', async () => {
    const world = await startWorld({
      database: sqlite,
      config: { groups: namedGroups },
      forge: acme(4),
    });
    world.clock.step(DAY_MS);
    await world.login();
    world.sim.addFault({ on: 'dispatch', kind: 'status-before' });
    await world.api.enqueue('linux', { template_id: 'build' });
    await world.until(
      'it fails',
      () => world.store.runs.listLive('github'),
      ([attempt]) => attempt?.state === 'unknown',
    );
    world.clock.step(-DAY_MS);
    await world.login();
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    await world.job(id, 'completed');
  });
});

/** As behind a proxy that puts a Date of its own in place of the forge's: runs are stamped by another clock. */
const stampedOffBy =
  (ms: number) =>
  (forge: Forge): Forge => {
    const stamp = (run: Run): Run => ({ ...run, createdAt: run.createdAt + ms });
    return new Proxy(forge, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (key === 'listRuns') {
          return async (...asked: Parameters<Forge['listRuns']>) => {
            const [owner, repo, filter, signal] = asked;
            const createdSince = filter.createdSince - ms;
            const listing = await target.listRuns(owner, repo, { ...filter, createdSince }, signal);
            return { ...listing, runs: listing.runs.map(stamp) };
          };
        }
        if (key === 'getRun' || key === 'getFirstAttempt') {
          return async (...asked: Parameters<Forge['getRun']>) => {
            const seen = await target[key](...asked);
            return { ...seen, run: stamp(seen.run) };
          };
        }
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  };

async function loseAnswerAfterOne(
  offMs: number,
  isRestarted: boolean,
  exceptions: Exceptions = {},
) {
  const world = await startWorld({
    database: sqlite,
    config: impatient,
    forge: acme(2),
    wrapForge: stampedOffBy(offMs),
    exceptions,
  });
  // The forge names its run, and so what that is stamped with can be told from its claim.
  const first = await world.api.enqueue('linux', { template_id: 'build' });
  await world.job(first.id, 'completed');
  if (isRestarted) await world.restart();
  world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
  const { id } = await world.api.enqueue('linux', { template_id: 'build' });
  return { world, id };
}

/** Of a job whose dispatch has no answer, and started nothing. @returns why it failed, an hour later */
async function failureOfLost(world: World): Promise<string> {
  world.sim.addFault({ on: 'dispatch', kind: 'status-before' });
  const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
  await world.until(
    'its dispatch has no answer',
    () => world.store.runs.listLive('github'),
    ([attempt]) => attempt?.state === 'unknown',
  );
  await world.moveTime(3_600_000);
  return (await world.job(id, 'failed')).error_message;
}

it('after the forge’s clock was put back a run from before is not taken for that of a dispatch that started nothing', async () => {
  const world = await startWorld({
    ...{ database: sqlite, forge: acme(3) },
    config: { github: { request_timeout: '1s' }, dispatcher: { send_deadline: '500ms' } },
    prepare: (sim) => {
      sim.clock.setOffset(180_000);
    },
  });
  const first = await world.api.enqueue('linux', { template_id: 'build' });
  await world.job(first.id, 'completed');
  await dispatchByHand(world.sim, { workflow: 'build.yaml', token: TOKEN });
  world.sim.clock.setOffset(0);
  const second = await world.api.enqueue('linux', { template_id: 'build' });
  await world.job(second.id, 'completed');
  // What was made before the step is stamped with a moment a little after the claim.
  await world.moveTime(150_000);
  expect(await failureOfLost(world)).toContain('outcome-ambiguous');
});

describe('where a proxy puts a Date of its own, and runs are stamped by another clock', () => {
  it.each([
    ['', false],
    [', not after a restart either', true],
  ])('3 s behind, a lost answer is not sent again%s', async (_, isRestarted) => {
    const { world, id } = await loseAnswerAfterOne(-3_000, isRestarted);
    await world.job(id, 'completed');
    expect(world.ourRuns()).toHaveLength(2);
    const told = world.logLines.filter((line) => line.includes('proxy_pass_header Date'));
    expect(told).toHaveLength(1);
  });

  it.each([
    ['a minute', 60_000, 20_000],
    ['half a minute', 30_000, 15_000],
  ])(
    '%s ahead, a run from before a dispatch that started nothing is not taken for its own (shown completed, it never ran)',
    async (_what, offMs, beforeMs) => {
      const world = await startWorld({
        ...{ database: sqlite, forge: acme(3), wrapForge: stampedOffBy(offMs) },
        config: { github: { request_timeout: '30s' }, dispatcher: { send_deadline: '500ms' } },
      });
      const first = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(first.id, 'completed');
      await dispatchByHand(world.sim, { workflow: 'build.yaml', token: TOKEN });
      await world.moveTime(beforeMs);
      const message = await failureOfLost(world);
      expect(message).toContain('outcome-ambiguous');
      const [foreign] = world.sim.ledger().runs.filter(({ inputs }) => inputs['note'] === BY_HAND);
      expect(message).toContain(String(foreign?.id));
    },
  );

  it('ten minutes ahead, a lost answer is not sent again, and its run is named', async () => {
    const { world, id } = await loseAnswerAfterOne(600_000, false, {
      hiddenRuns: 1,
      ambiguousRuns: 1,
    });
    await world.forge('both runs', ({ runs }) => runs.length === 2);
    await world.until(
      'the answer is missed',
      () => world.store.runs.listLive('github'),
      ([attempt]) => attempt?.state === 'unknown',
    );
    await world.moveTime(3_600_000);
    const failed = await world.job(id, 'failed');
    expect(failed.error_message).toContain('outcome-ambiguous');
    expect(world.ourRuns()).toHaveLength(2);
  });
});
