import { describe, expect, it } from 'vitest';
import {
  DISPATCH_TOKEN,
  dispatchOf,
  failureOf,
  forever,
  RUNNERS_TOKEN,
  requestsOf,
  type StartForge,
} from './world.testkit.ts';

export function accountContract(start: StartForge): void {
  describe('repositories and owners', () => {
    it('tells a repository that the dispatch credential reads from one that it does not', async () => {
      const { forge, sim } = await start();
      expect(await forge.canReadRepo('acme', 'app', forever)).toBe(true);
      sim.setToken(DISPATCH_TOKEN, { blindTo: ['acme/app'] });
      expect(await forge.canReadRepo('acme', 'app', forever)).toBe(false);
    });

    it('does not take a failure for a lost repository', async () => {
      const { forge, sim } = await start();
      sim.addFault({ on: 'repoGet', kind: 'status-before' });
      const error = await failureOf(forge.canReadRepo('acme', 'app', forever));
      expect(error).toMatchObject({ code: 'unavailable', acted: 'no' });
    });

    it.each([
      ['acme', 'org'],
      ['dev', 'user'],
      ['nobody', 'unknown'],
    ])('tells that %s is of type %s', async (owner, type) => {
      expect(await (await start()).forge.findOwnerType(owner, forever)).toBe(type);
    });

    it('asks for an owner’s type with what polling may use, not with what dispatches need', async () => {
      const { forge, sim } = await start({ rateLimitBuffer: 100 });
      const resetAt = sim.clock.now() + 3_600_000;
      sim.setRateLimit(RUNNERS_TOKEN, { limit: 5_000, remaining: 101, resetAt });
      await forge.ensureConnected(forever);
      const error = await failureOf(forge.findOwnerType('acme', forever));
      expect(error).toMatchObject({ code: 'rate-limited', acted: 'no' });
      expect(requestsOf(sim, 'userGet')).toEqual([]);
    });

    it('asks for an owner’s type once, unless it was unknown', async () => {
      const { forge, sim } = await start();
      await forge.findOwnerType('acme', forever);
      await forge.findOwnerType('ACME', forever);
      expect(requestsOf(sim, 'userGet')).toHaveLength(1);
      await forge.findOwnerType('later', forever);
      sim.seed({ owners: [{ login: 'later', type: 'Organization' }] });
      expect(await forge.findOwnerType('later', forever)).toBe('org');
    });
  });
}

export function credentialContract(start: StartForge): void {
  describe('credentials', () => {
    it('are configured but not connected before anyone has asked', async () => {
      const { forge } = await start();
      expect(forge.listCredentials()).toMatchObject([
        { use: 'dispatch', isConfigured: true, isConnected: false, actor: '', error: '' },
        { use: 'runners', isConfigured: true, isConnected: false, actor: '', error: '' },
      ]);
    });

    it('tell who they are and what is left of their limits', async () => {
      const { forge } = await start();
      await forge.ensureConnected(forever);
      expect(forge.credentialFor('dispatch')).toMatchObject({
        isConnected: true,
        actor: 'bot',
        rate: { limit: 5_000, remaining: 4_999, blockedUntil: null },
      });
      expect(forge.credentialFor('runners')).toMatchObject({ isConnected: true, actor: 'watcher' });
    });

    it('tell of a new login when they are asked again, though they work', async () => {
      const { forge, sim } = await start();
      await forge.ensureConnected(forever);
      sim.setToken(DISPATCH_TOKEN, { login: 'renamed-bot' });
      await forge.refreshActor(forever);
      expect(forge.credentialFor('dispatch')).toMatchObject({ actor: 'renamed-bot' });
      sim.addFault({ on: 'user', kind: 'status-before' });
      expect(await failureOf(forge.refreshActor(forever))).toMatchObject({ code: 'unavailable' });
      forge.noteActor('told-by-a-run');
      expect(forge.credentialFor('dispatch')).toMatchObject({ actor: 'told-by-a-run' });
    });

    it('that fail at the start are asked again and heal (defect #18)', async () => {
      const { forge, sim } = await start();
      sim.setToken(DISPATCH_TOKEN, { valid: false });
      await forge.ensureConnected(forever);
      expect(forge.credentialFor('dispatch')).toMatchObject({ isConnected: false });
      expect(forge.credentialFor('dispatch').error).toContain('401');
      expect(forge.credentialFor('runners')).toMatchObject({ isConnected: true, error: '' });
      sim.setToken(DISPATCH_TOKEN, { valid: true });
      await forge.ensureConnected(forever);
      expect(forge.credentialFor('dispatch')).toMatchObject({ isConnected: true, error: '' });
    });

    it('heal by any call that works', async () => {
      const { forge, sim } = await start();
      sim.addFault({ on: 'user', kind: 'status-before', times: 2 });
      await forge.ensureConnected(forever);
      expect(forge.credentialFor('dispatch')).toMatchObject({ isConnected: false });
      await forge.canReadRepo('acme', 'app', forever);
      expect(forge.credentialFor('dispatch')).toMatchObject({ isConnected: true, error: '' });
    });

    it('work though asking who they are meets a limit each time (after a restart nothing was sent for ever)', async () => {
      const { forge, sim, clock } = await start();
      sim.addFault({ on: 'user', kind: 'status-before', status: 429, times: 'always' });
      await forge.ensureConnected(forever);
      expect(forge.credentialFor('dispatch')).toMatchObject({ isConnected: false, error: '' });
      clock.pass((forge.credentialFor('dispatch').rate.blockedUntil ?? 0) - clock.now());
      await forge.ensureConnected(forever);
      expect(forge.credentialFor('dispatch')).toMatchObject({ isConnected: true, error: '' });
      expect(forge.credentialFor('dispatch').rate.blockedUntil).toBeNull();
    });

    it('are doubted after a 401 to any call, and disconnected once they do not tell who they are, either', async () => {
      const { forge, sim } = await start();
      await forge.ensureConnected(forever);
      sim.setToken(RUNNERS_TOKEN, { valid: false });
      const error = await failureOf(forge.listRunners('org:acme', [], forever));
      expect(error).toMatchObject({ code: 'auth', acted: 'no', status: 401 });
      expect(forge.credentialFor('runners')).toMatchObject({ isConnected: true, isDoubted: true });
      sim.addFault({ on: 'user', kind: 'status-before', times: 2 });
      await forge.ensureConnected(forever);
      expect(forge.credentialFor('runners')).toMatchObject({ isConnected: true, isDoubted: true });
      await forge.ensureConnected(forever);
      expect(forge.credentialFor('runners')).toMatchObject({ isConnected: false });
      expect(forge.credentialFor('dispatch')).toMatchObject({ isConnected: true });
    });

    it('stay connected where one run is answered 401 and they work (good jobs waited 20 s now and then)', async () => {
      const { forge, sim } = await start();
      await forge.ensureConnected(forever);
      for (const asked of [
        () => forge.ensureConnected(forever),
        () => forge.canReadRepo('acme', 'app', forever),
      ]) {
        sim.addFault({ on: 'getRun', kind: 'status-before', status: 401 });
        const error = await failureOf(forge.getRun('acme', 'app', '1', forever));
        expect(error).toMatchObject({ code: 'auth' });
        const seen = { isConnected: true, error: '' };
        expect(forge.credentialFor('dispatch')).toMatchObject({ ...seen, isDoubted: true });
        await asked();
        expect(forge.credentialFor('dispatch')).toMatchObject({ ...seen, isDoubted: false });
      }
    });

    it('are not disconnected by a limit, a 404 or a failing server', async () => {
      const { forge, sim } = await start();
      await forge.ensureConnected(forever);
      for (const kind of ['not-found', 'status-before', 'rate-limit-429'] as const) {
        sim.addFault({ on: 'getRun', kind });
        await failureOf(forge.getRun('acme', 'app', '1', forever));
      }
      expect(forge.credentialFor('dispatch')).toMatchObject({ isConnected: true, error: '' });
    });

    it('that are missing say so and send nothing', async () => {
      const { forge, sim } = await start({ tokens: { dispatch: '', runners: RUNNERS_TOKEN } });
      await forge.ensureConnected(forever);
      expect(forge.credentialFor('dispatch')).toMatchObject({
        isConfigured: false,
        isConnected: false,
      });
      const error = await failureOf(forge.dispatch(dispatchOf(), forever));
      expect(error).toMatchObject({ code: 'auth', acted: 'no' });
      expect(sim.ledger().requests.every((request) => request.endpoint === 'user')).toBe(true);
      expect(requestsOf(sim, 'user')).toHaveLength(1);
    });
  });
}
