import { describe, expect, it } from 'vitest';
import {
  addRunners,
  failureOf,
  forever,
  RUNNERS_TOKEN,
  requestsOf,
  type StartForge,
} from './world.testkit.ts';

export function runnersContract(start: StartForge): void {
  describe('a listing of runners', () => {
    it.each(['org:acme', 'repo:acme/app', 'enterprise:big'])('shows those of %s', async (scope) => {
      const { forge, sim } = await start();
      const { id } = sim.addRunner({ scope, name: 'r1', os: 'macOS', labels: ['mac', 'arm'] });
      sim.addRunner({ scope: 'org:dev', name: 'elsewhere', labels: [] });
      sim.addRunner({ scope, name: 'r2', labels: ['linux'], online: false });
      sim.addRunner({ scope, name: 'r3', labels: ['linux'], busy: true });
      const listing = await forge.listRunners(scope, [], forever);
      expect(listing).toMatchObject({ isChanged: true, isComplete: true });
      expect(listing.runners[0]).toEqual({
        forgeRunnerId: String(id),
        name: 'r1',
        os: 'macOS',
        labels: ['mac', 'arm'],
        status: 'online',
        isBusy: false,
        isEphemeral: false,
      });
      expect(listing.runners.slice(1)).toMatchObject([
        { name: 'r2', status: 'offline', isBusy: false },
        { name: 'r3', status: 'online', isBusy: true },
      ]);
    });

    it('holds all pages', async () => {
      const { forge, sim } = await start();
      addRunners(sim, 250);
      const listing = await forge.listRunners('org:acme', [], forever);
      expect(listing).toMatchObject({ isChanged: true, isComplete: true });
      expect(new Set(listing.runners.map((runner) => runner.name)).size).toBe(250);
      expect(requestsOf(sim, 'listRunners')).toHaveLength(3);
    });

    it.each([1, 250])('of %i that did not change says so and costs no budget', async (count) => {
      const { forge, sim } = await start();
      addRunners(sim, count);
      const first = await forge.listRunners('org:acme', [], forever);
      const { remaining } = forge.credentialFor('runners').rate;
      const second = await forge.listRunners('org:acme', first.etags, forever);
      expect(second).toMatchObject({ isChanged: false, isComplete: true, runners: [] });
      expect(second.etags).toEqual(first.etags);
      expect(
        sim
          .ledger()
          .requests.slice(first.etags.length)
          .map(({ status }) => status),
      ).toEqual(first.etags.map(() => 304));
      expect(forge.credentialFor('runners').rate.remaining).toBe(remaining);
    });

    it('of one page that changed costs one request', async () => {
      const { forge, sim } = await start();
      const { id } = sim.addRunner({ scope: 'org:acme', name: 'r', labels: [] });
      const first = await forge.listRunners('org:acme', [], forever);
      sim.setRunner(id, { busy: true });
      const second = await forge.listRunners('org:acme', first.etags, forever);
      expect(second).toMatchObject({ isChanged: true, isComplete: true });
      expect(second.runners).toMatchObject([{ isBusy: true }]);
      expect(requestsOf(sim, 'listRunners')).toHaveLength(2);
    });

    it('reads all pages anew when one of them changed: no pass shows two moments', async () => {
      const { forge, sim } = await start();
      const ids = addRunners(sim, 250);
      const first = await forge.listRunners('org:acme', [], forever);
      sim.setRunner(ids[150] ?? 0, { busy: true });
      const second = await forge.listRunners('org:acme', first.etags, forever);
      expect(second).toMatchObject({ isChanged: true, isComplete: true });
      expect(second.runners).toHaveLength(250);
      expect(second.runners.filter((runner) => runner.isBusy)).toHaveLength(1);
      const reread = requestsOf(sim, 'listRunners').slice(6);
      expect(reread.map(({ query, status }) => [query['page'], status])).toEqual([
        ['1', 200],
        ['2', 200],
        ['3', 200],
      ]);
    });

    it('finds runners on a page that was not there before', async () => {
      const { forge, sim } = await start();
      addRunners(sim, 100);
      const first = await forge.listRunners('org:acme', [], forever);
      sim.addRunner({ scope: 'org:acme', name: 'late', labels: [] });
      const second = await forge.listRunners('org:acme', first.etags, forever);
      expect(second).toMatchObject({ isChanged: true, isComplete: true });
      expect(second.runners).toHaveLength(101);
    });

    it('fails as a whole when one page fails', async () => {
      const { forge, sim } = await start();
      addRunners(sim, 250);
      sim.addFault({ on: 'listRunners', kind: 'latency', times: 1 });
      sim.addFault({ on: 'listRunners', kind: 'status-before', times: 'always' });
      const error = await failureOf(forge.listRunners('org:acme', [], forever));
      expect(error).toMatchObject({ code: 'unavailable', acted: 'no' });
    });

    it('of a scope that cannot be is refused without asking', async () => {
      const { forge, sim } = await start();
      const error = await failureOf(forge.listRunners('acme', [], forever));
      expect(error).toMatchObject({ code: 'invalid', acted: 'no' });
      expect(sim.ledger().requests).toEqual([]);
    });

    it('of an owner that the credential cannot see is not-found', async () => {
      const { forge, sim } = await start();
      sim.setToken(RUNNERS_TOKEN, { blindTo: ['acme'] });
      const error = await failureOf(forge.listRunners('org:acme', [], forever));
      expect(error).toMatchObject({ code: 'not-found', acted: 'no' });
    });

    it('that does not parse is a bad reply', async () => {
      const { forge, sim } = await start();
      sim.addFault({ on: 'listRunners', kind: 'unparsable' });
      const error = await failureOf(forge.listRunners('org:acme', [], forever));
      expect(error).toMatchObject({ code: 'bad-reply', acted: 'no' });
    });

    it('with an odd entry shows the others', async () => {
      const { forge, sim } = await start();
      const [, id = 0] = addRunners(sim, 3);
      sim.addFault({ on: 'listRunners', kind: 'odd-entry', field: 'labels', id, times: 1 });
      const listing = await forge.listRunners('org:acme', [], forever);
      expect(listing).toMatchObject({ isComplete: true });
      expect(listing.runners).toHaveLength(2);
    });

    it('with a wrong count costs a few requests', async () => {
      const { forge, sim } = await start();
      addRunners(sim, 3);
      sim.addFault({ on: 'listRunners', kind: 'wrong-total', total: 100_000, times: Infinity });
      const listing = await forge.listRunners('org:acme', [], forever);
      expect(listing).toMatchObject({ isComplete: false, etags: [] });
      expect(listing.runners).toHaveLength(3);
      expect(requestsOf(sim, 'listRunners').length).toBeLessThanOrEqual(4);
    });

    it('whose pages shift while they are read shows what any page has shown', async () => {
      const { forge, sim } = await start();
      addRunners(sim, 250);
      sim.addFault({ on: 'listRunners', kind: 'shifting-pages', shift: 9, times: Infinity });
      const listing = await forge.listRunners('org:acme', [], forever);
      expect(listing.isComplete).toBe(listing.mismatch === '');
      expect(listing.runners.length).toBeGreaterThanOrEqual(250 - 2 * 9);
    });

    it('uses the credential for runners', async () => {
      const { forge, sim } = await start();
      await forge.listRunners('org:acme', [], forever);
      expect(sim.ledger().requests[0]?.token).toBe(RUNNERS_TOKEN.slice(-4));
    });
  });
}
