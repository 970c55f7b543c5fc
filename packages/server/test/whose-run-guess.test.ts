import { expect, it } from 'vitest';
import { impatient } from './harness/config-file.ts';
import { acme, BY_HAND, dispatchByHand, LONG, TOKEN } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { sqlite as database, type World, type WorldOptions } from './harness/world.ts';

/** Requests are given up soon; a run that is told by its time may still be made for a minute. */
const config = { github: { request_timeout: '1s' }, dispatcher: { send_deadline: '500ms' } };
/** Time enough for two runs to be made, and over, by the database's clock, while a test waits. */
const eager = {
  ...config,
  dispatcher: { ...config.dispatcher, run_lookup_timeout: '8s' },
  waits: { cancel_retry: '100ms' },
};
const OVER_MS = 70_000;
/** A run is listed only so late. */
const LATE_MS = 60_000;

const untilUnknown = (world: World, count: number) =>
  world.until(
    'a dispatch without an answer',
    () => world.store.runs.listLive('github'),
    (live) => live.filter(({ state }) => state === 'unknown').length === count,
  );

it.each(['head_branch', 'path'])(
  'a run whose %s is null in listings is not started a second time',
  async (field) => {
    const exceptions = { hiddenRuns: 1, ambiguousRuns: 1 };
    const world = await startWorld({ database, config: impatient, exceptions });
    world.sim.addFault({ on: 'listRuns', kind: 'odd-entry', field, times: 'always' });
    world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    expect((await world.job(id, 'failed')).error_message).toContain('outcome-ambiguous');
    expect(world.dispatches()).toBe(1);
  },
);

it('after a guess the run of the guessed job is not given to the next one with other inputs', async () => {
  const exceptions = { hiddenRuns: 1, ambiguousRuns: 1 };
  // The next one waits as long, by the database's clock.
  const dispatcher = { ...config.dispatcher, run_lookup_timeout: '30s' };
  const world = await startWorld({
    ...{ database, forge: acme(3), exceptions },
    config: { ...config, dispatcher },
  });
  const { id: hold } = world.sim.addFault({ on: 'dispatch', kind: 'hold-before' });
  const first = await world.api.enqueue('linux', {
    ...{ template_id: 'build', inputs: { note: 'one' } },
  });
  await untilUnknown(world, 1);
  await dispatchByHand(world.sim, { workflow: 'build.yaml', token: TOKEN });
  await world.job(first.id, 'completed');
  const next = await world.api.enqueue('linux', {
    ...{ template_id: 'build', inputs: { note: 'two' } },
  });
  await world.why(next.id, 'outcome-pending');
  world.sim.release(hold);
  await world.forge('the run of the first', ({ runs }) => runs.length === 2);
  await world.moveTime(OVER_MS);
  const done = await world.job(next.id, 'completed');
  expect(world.runOf(done).inputs['note']).toBe('two');
});

it('the cancel of a job whose dispatch started nothing does not cancel what somebody starts right after', async () => {
  const world = await startWorld({ database, config, forge: acme(3) });
  world.sim.addFault({ on: 'dispatch', kind: 'status-before' });
  const { id } = await world.api.enqueue('linux', { template_id: 'build' });
  await untilUnknown(world, 1);
  await world.api.cancel(id);
  await dispatchByHand(world.sim, { workflow: 'build.yaml', token: TOKEN });
  const { runs } = await world.forge('its end', (seen) =>
    seen.runs.every(({ conclusion }) => conclusion !== null),
  );
  expect(runs.map(({ conclusion }) => conclusion)).toEqual(['success']);
});

it('the cancel of one of two that are alike does not cancel the only run, which is the other’s', async () => {
  const world = await startWorld({ database, config: impatient, forge: acme(3) });
  world.sim.addFault({ on: 'dispatch', kind: 'hold-before' });
  world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
  await world.api.pauseGroup('linux');
  const inputs = { ...LONG, note: 'same' };
  const [first, second] = [
    await world.api.enqueue('linux', { template_id: 'build', inputs }),
    await world.api.enqueue('linux', { template_id: 'build', inputs }),
  ];
  await world.api.unpauseGroup('linux');
  await world.forge('the run of the second', ({ runs }) => runs.length === 1);
  await untilUnknown(world, 2);
  await world.api.cancel(first.id);
  const running = await world.job(second.id, 'running');
  expect(world.runOf(running).conclusion).toBeNull();
  world.sim.completeRun(running.run_id ?? 0, 'success');
  await world.job(second.id, 'completed');
});

/** Two runs of one moment, of which the other's is listed first: it is taken. */
async function takeTheOther(sim: WorldOptions['sim']): Promise<{ world: World; id: string }> {
  const exceptions = { hiddenRuns: 1, ambiguousRuns: 1 };
  const world = await startWorld({
    ...{ database, forge: acme(4), exceptions },
    ...{ config: eager, ...(sim && { sim }) },
  });
  // Shown when the test says so.
  world.sim.setRunVisibility({ delayMs: LATE_MS });
  if (sim === undefined) world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
  const inputs = { ...LONG, note: 'one' };
  const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs });
  await world.forge('its run', ({ runs }) => runs.length === 1);
  world.sim.setRunVisibility({ delayMs: 0 });
  await dispatchByHand(world.sim, { workflow: 'build.yaml', token: TOKEN, inputs: LONG });
  const guessed = await world.job(id, ({ run_id: run }) => run !== null && run !== 0);
  expect(world.runOf(guessed).inputs['note']).toBe(BY_HAND);
  return { world, id };
}

it.each([
  ['a lost answer', undefined, false],
  ['an answer that named none (GitHub Enterprise Server 3.20)', { ghes: '3.20' }, false],
  ['a lost answer, while the forge’s search over runs shows none,', undefined, true],
] as const)(
  'after %s the cancel does not end the run that was taken by its time once a second one has shown: it is somebody’s',
  async (_, sim, isSearchBlind) => {
    const { world, id } = await takeTheOther(sim);
    world.sim.setRunSearch({ blind: isSearchBlind });
    await world.moveTime(LATE_MS);
    await world.api.cancel(id);
    await world.until(
      'its attempt has let go of the run',
      () => world.store.runs.listLive('github'),
      (live) => live.length === 0,
    );
    const { runs, requests } = world.sim.ledger();
    expect(runs.map(({ conclusion }) => conclusion)).toEqual([null, null]);
    expect(requests.filter(({ endpoint }) => endpoint === 'cancel')).toEqual([]);
    const isTold = (line: string): boolean => line.includes('run not cancelled');
    const lines = await world.until(
      'it is told',
      () => world.logLines,
      (seen) => seen.some(isTold),
    );
    const line = lines.find(isTold) ?? '';
    for (const run of runs) expect(line).toContain(String(run.id));
    for (const run of runs) world.sim.completeRun(run.id, 'success');
  },
);

it('the cancel of a run that was taken by its time ends it once its time is over, where it is the only one', async () => {
  const world = await startWorld({
    ...{ database, config: eager, sim: { ghes: '3.20' }, forge: acme(2) },
  });
  const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
  await world.job(id, 'running');
  await world.api.cancel(id);
  await world.forge('its end', ({ runs }) => runs[0]?.conclusion === 'cancelled');
});
