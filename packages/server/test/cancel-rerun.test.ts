import { describe, expect, it } from 'vitest';
import { acme, LONG, workflow } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, sqlite, type World, type WorldOptions } from './harness/world.ts';

const config = { waits: { cancel_retry: '100ms' } };
const READS = ['listRuns', 'getRun', 'getRunAttempt'] as const;

/** Nothing of any run can be read from now on. */
function blind(world: World, reads: readonly (typeof READS)[number][] = READS): void {
  for (const on of reads) world.sim.addFault({ on, kind: 'status-before', times: 'always' });
}

async function startRunning(options: Partial<WorldOptions> & Pick<WorldOptions, 'database'>) {
  const world = await startWorld({ config, forge: acme(2), ...options });
  const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
  const job = await world.job(id, 'running');
  return { world, id, run: world.runOf(job) };
}

/** Somebody starts it again before we have seen it end. */
function endAndRerun(world: World, runId: number): void {
  world.sim.completeRun(runId, 'success');
  world.sim.rerun(runId);
}

const asked = (world: World, endpoint: string) =>
  world.sim.ledger().requests.filter((request) => request.endpoint === endpoint);

/** Not before this server has seen how its own attempt ended. */
async function attemptOver(world: World): Promise<void> {
  await world.until(
    'its attempt has ended',
    () => world.store.runs.listLive('github'),
    (live) => live.length === 0,
  );
}

async function rerunGoesOn(world: World, runId: number): Promise<void> {
  await attemptOver(world);
  const goesOn = world.sim.ledger().runs.find(({ id }) => id === runId);
  expect(goesOn).toMatchObject({ runAttempt: 2, conclusion: null });
  world.sim.completeRun(runId, 'success');
}

describe('a cancel of a run that somebody has started again', () => {
  for (const database of databases) {
    it(`does not end the re-run, though its first end was not seen yet, on ${database.name}`, async () => {
      const { world, id, run } = await startRunning({ database });
      blind(world);
      endAndRerun(world, run.id);
      await world.api.cancel(id);
      await world.forge('asked in vain before a cancel, and again', () => {
        return asked(world, 'getRun').length > 1;
      });
      expect(asked(world, 'cancel')).toEqual([]);
      // Only what is read before a cancel can tell now.
      world.sim.clearFaults();
      blind(world, ['listRuns']);
      await rerunGoesOn(world, run.id);
      expect(asked(world, 'cancel')).toEqual([]);
    });
  }

  it('does not end the re-run after a restart either: the wish was stored before', async () => {
    const { world, id, run } = await startRunning({ database: sqlite });
    blind(world, ['listRuns']);
    world.sim.addFault({ on: 'cancel', kind: 'status-before', times: 'always' });
    await world.api.cancel(id);
    await world.forge('a cancel that fails', () => asked(world, 'cancel').length > 0);
    const restarted = world.restart();
    endAndRerun(world, run.id);
    world.sim.clearFaults();
    blind(world, ['listRuns']);
    await restarted;
    await rerunGoesOn(world, run.id);
    expect(asked(world, 'cancel').filter(({ acted }) => acted)).toEqual([]);
  });

  it('does not end the re-run by force either', async () => {
    const stubborn = workflow({
      jobs: [{ name: 'a', runsOn: ['linux'], durationMs: 3_600_000, ignoresCancel: true }],
    });
    const base = acme(2);
    const forge = { ...base, workflows: [stubborn] };
    const { world, id, run } = await startRunning({ database: sqlite, forge });
    await world.api.cancel(id);
    await world.until(
      'a cancel that was sent',
      () => world.store.runs.listLive('github'),
      ([attempt]) => attempt?.cancelSentAt !== undefined && attempt.cancelSentAt !== null,
    );
    blind(world);
    endAndRerun(world, run.id);
    await world.moveTime(5 * 60_000 + 1_000);
    world.sim.clearFaults();
    blind(world, ['listRuns']);
    await rerunGoesOn(world, run.id);
    expect(asked(world, 'forceCancel')).toEqual([]);
  });
});

it('a cancel whose run could not be read first is carried out once it can be', async () => {
  const { world, id } = await startRunning({ database: sqlite });
  blind(world);
  await world.api.cancel(id);
  await world.forge('asked in vain', () => asked(world, 'getRun').length > 1);
  expect(asked(world, 'cancel')).toEqual([]);
  expect(world.logLines.some((line) => line.includes('run not cancelled'))).toBe(true);
  world.sim.clearFaults();
  await world.forge('its run is cancelled', ({ runs }) =>
    runs.every(({ conclusion }) => conclusion === 'cancelled'),
  );
  await attemptOver(world);
});

it('a cancel of a run that has ended meanwhile is not sent', async () => {
  const { world, id, run } = await startRunning({ database: sqlite });
  blind(world, ['listRuns']);
  world.sim.completeRun(run.id, 'success');
  await world.api.cancel(id);
  await attemptOver(world);
  expect(asked(world, 'cancel')).toEqual([]);
});
