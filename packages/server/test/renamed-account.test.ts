import { describe, expect, it } from 'vitest';
import { impatient } from './harness/config-file.ts';
import {
  acme,
  BOT,
  dispatchByHand,
  HUMAN_TOKEN,
  LONG,
  RENAMED_BOT,
  TOKEN,
} from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, sqlite, type World, type WorldOptions } from './harness/world.ts';

/** Its account is renamed while everything works, so that nothing makes the server ask who it is. */
async function startRenamed(options: WorldOptions): Promise<World> {
  const world = await startWorld(options);
  const before = await world.api.enqueue('linux', { template_id: 'build' });
  await world.job(before.id, 'completed');
  world.sim.setToken(TOKEN, { login: RENAMED_BOT });
  return world;
}

const dispatches = ({ sim }: World) =>
  sim.ledger().requests.filter(({ endpoint }) => endpoint === 'dispatch');

for (const database of databases) {
  describe(`a dispatch without an answer, after its account was renamed, on ${database.name}`, () => {
    it('is not sent a second time: its run is ours under the new login', async () => {
      const world = await startRenamed({ database, config: impatient });
      world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      const done = await world.job(id, 'completed');
      expect(done.run_id).toBe(world.ourRuns()[1]?.id);
      expect(dispatches(world)).toHaveLength(2);
    });

    it('is found at once where a run known by its reply has told the new login', async () => {
      const world = await startRenamed({ database });
      const first = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(first.id, 'completed');
      world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      const done = await world.job(id, 'completed');
      expect(done.run_id).toBe(world.ourRuns()[2]?.id);
      expect(dispatches(world)).toHaveLength(3);
    });

    it('that started nothing is sent again, whatever somebody else has started meanwhile', async () => {
      const world = await startRenamed({ database, config: impatient });
      world.sim.addFault({ on: 'dispatch', kind: 'status-before' });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.forge('a dispatch that failed', () =>
        dispatches(world).some(({ status }) => status === 502),
      );
      await dispatchByHand(world.sim, { workflow: 'build.yaml', token: HUMAN_TOKEN });
      const done = await world.job(id, 'completed');
      expect(world.runOf(done).actor).toBe(RENAMED_BOT);
      expect(world.ourRuns()).toHaveLength(2);
    });

    it('is not sent again while nobody can say who we are', async () => {
      const world = await startRenamed({ database, config: impatient });
      world.sim.addFault({ on: 'user', kind: 'status-before', times: 2 });
      world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(id, 'completed');
      expect(dispatches(world)).toHaveLength(2);
    });
  });
}

describe('a credential that does not tell its login', () => {
  it('is told it by a run that a reply has named: later claims carry it', async () => {
    const world = await startWorld({
      ...{ database: sqlite, forge: acme(2) },
      prepare: (sim) => sim.addFault({ on: 'user', kind: 'not-found', times: 'always' }),
    });
    for (let sent = 0; sent < 2; sent += 1) {
      const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      await world.job(id, 'running');
    }
    const claimed = await world.store.runs.listLive('github');
    expect(claimed.map(({ actor }) => actor)).toEqual(['', BOT]);
    for (const { id } of world.ourRuns()) world.sim.completeRun(id, 'success');
  });
});
