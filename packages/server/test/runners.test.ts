import { describe, expect, it } from 'vitest';
import { acme, LINUX, LONG, linuxGroup, runners } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases } from './harness/world.ts';

for (const database of databases) {
  describe(`a runner on ${database.name}`, () => {
    it('that vanished from the forge gets no job (defect #15)', async () => {
      const world = await startWorld({ database });
      await world.until(
        'it is known',
        () => world.api.runners(),
        (seen) => seen.some(({ status }) => status === 'online'),
      );
      const [runner] = world.sim.ledger().runners;
      world.sim.removeRunner(runner?.id ?? 0);
      await world.until(
        'it is not online',
        () => world.api.runners(),
        (seen) => seen.every(({ status }) => status === 'offline'),
      );
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      const why = await world.until(
        'it waits',
        () => world.api.why(id),
        ({ code }) => code === 'no-runner-matches' || code === 'all-offline',
      );
      expect(why.free).toBe(0);
      expect(world.dispatches()).toBe(0);
      world.sim.addRunner({ scope: 'org:acme', name: 'new', labels: ['self-hosted', 'linux'] });
      expect(await world.job(id, 'completed')).toMatchObject({ runner_name: 'new' });
    });

    it('that is busy with somebody else’s work is left alone', async () => {
      const world = await startWorld({ database });
      const [runner] = world.sim.ledger().runners;
      world.sim.setRunner(runner?.id ?? 0, { busy: true });
      await world.until(
        'it is busy',
        () => world.api.groups(),
        ([group]) => group?.busy_runners === 1,
      );
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.why(id, 'all-busy');
      expect(world.dispatches()).toBe(0);
      world.sim.setRunner(runner?.id ?? 0, { busy: false });
      await world.job(id, 'completed');
    });

    it('that was stale gets its job with the listing that shows it as before, whatever the interval', async () => {
      const world = await startWorld({ database, config: { dispatcher: { interval: '10m' } } });
      await world.until(
        'it is known',
        () => world.api.runners(),
        (seen) => seen.some(({ status }) => status === 'online'),
      );
      const hold = world.sim.addFault({ on: 'listRunners', kind: 'hold-before' });
      await world.forge('a listing on its way', ({ requests }) =>
        requests.some(({ fault }) => fault === 'hold-before'),
      );
      await world.moveTime(10_000);
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.why(id, 'stale-runners');
      world.sim.release(hold.id);
      await world.job(id, 'completed');
    });

    it('that says Linux gets the jobs of a group that says linux, and is shown as written', async () => {
      const world = await startWorld({
        database,
        forge: acme(0, { runners: runners(1, ['self-hosted', 'Linux', 'X64']) }),
      });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.job(id, 'completed');
      expect(await world.api.runners()).toMatchObject([
        { labels: ['self-hosted', 'Linux', 'X64'] },
      ]);
      expect(await world.api.groups()).toMatchObject([{ runner_labels: LINUX, total_runners: 1 }]);
    });

    it('fits only with every label of the group', async () => {
      const world = await startWorld({
        database,
        forge: acme(0, { runners: runners(1, ['self-hosted', 'macOS']) }),
      });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.until(
        'the label is missing',
        () => world.api.why(id),
        ({ labels_missing: missing }) => missing.join() === 'linux',
      );
      await world.why(id, 'no-runner-matches');
      expect(world.dispatches()).toBe(0);
    });

    it('of a scope that the group does not name is not its own', async () => {
      const [scoped] = [{ ...linuxGroup, runner_scopes: ['repo:acme/app'] }];
      const world = await startWorld({ database, config: { groups: { github: [scoped] } } });
      const { id } = await world.api.enqueue('linux', { template_id: 'build' });
      await world.why(id, 'no-runner-matches');
      expect(await world.api.runners()).toEqual([]);
      const labels = [...LINUX];
      world.sim.addRunner({ scope: 'repo:acme/app', name: 'near', labels });
      await world.job(id, 'completed');
      expect((await world.api.runners()).map(({ name }) => name)).toEqual(['near']);
    });

    it('is listed for nothing while nothing changes', async () => {
      const world = await startWorld({ database });
      const ledger = await world.forge(
        'three polls',
        ({ requests }) =>
          requests.filter(({ endpoint, status }) => endpoint === 'listRunners' && status !== null)
            .length >= 3,
      );
      const polls = ledger.requests.filter(({ endpoint }) => endpoint === 'listRunners');
      expect(polls.slice(0, 3).map(({ status }) => status)).toEqual([200, 304, 304]);
    });

    it('shows as busy, and its group counts it, while it runs a job', async () => {
      const world = await startWorld({ database, forge: acme(2) });
      const { id } = await world.api.enqueue('linux', { template_id: 'build', inputs: LONG });
      const running = await world.job(id, 'running');
      const seen = await world.api.runners();
      expect(seen.filter(({ busy }) => busy)).toMatchObject([
        { id: running.runner_id, name: running.runner_name, status: 'online', os: 'Linux' },
      ]);
      expect(await world.api.groups()).toMatchObject([
        {
          ...{ id: 'linux', name: 'Linux', enabled: true, paused: false },
          ...{ queued_jobs: 0, running_jobs: 1, template_count: 1 },
          ...{ idle_runners: 1, busy_runners: 1, total_runners: 2 },
        },
      ]);
    });
  });
}
