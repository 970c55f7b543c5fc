import { describe, expect, it } from 'vitest';
import {
  addRunners,
  DISPATCH_TOKEN,
  dispatchOf,
  failureOf,
  forever,
  moveBoth,
  RUNNERS_TOKEN,
  requestsOf,
  type StartForge,
} from './world.testkit.ts';

export function budgetContract(start: StartForge): void {
  describe('limits', () => {
    it.each(['rate-limit-429', 'secondary-limit'] as const)(
      'a %s is waited for without asking, then all goes on',
      async (kind) => {
        const { forge, sim, clock } = await start();
        sim.addFault({ on: 'dispatch', kind, retryAfterS: 7 });
        const first = await failureOf(forge.dispatch(dispatchOf(), forever));
        expect(first.retryAt).toBeGreaterThanOrEqual(clock.now() + 7_000);
        const second = await failureOf(forge.dispatch(dispatchOf(), forever));
        expect(second).toMatchObject({ code: 'rate-limited', acted: 'no', retryAt: first.retryAt });
        expect(forge.credentialFor('dispatch')).toMatchObject({
          dispatchesLeft: 0,
          retryAt: first.retryAt,
          rate: { blockedUntil: first.retryAt },
        });
        expect(await forge.takeDispatch('acme')).toBe(first.retryAt);
        expect(requestsOf(sim, 'dispatch')).toHaveLength(1);
        await moveBoth(sim, clock, 8_000);
        expect(await forge.takeDispatch('acme')).toBeNull();
        await forge.dispatch(dispatchOf(), forever);
        expect(sim.ledger().runs).toHaveLength(1);
      },
    );

    it('a limit on one user does not stop the other', async () => {
      const { forge, sim } = await start();
      sim.addFault({ on: 'dispatch', kind: 'secondary-limit' });
      await failureOf(forge.dispatch(dispatchOf(), forever));
      expect(await forge.listRunners('org:acme', [], forever)).toMatchObject({ isComplete: true });
    });

    it('a used-up hour ends by itself: reads and dispatches go on after the reset (defect #14)', async () => {
      const { forge, sim, clock } = await start();
      const resetAt = sim.clock.now() + 600_000;
      sim.setRateLimit(RUNNERS_TOKEN, { limit: 5_000, remaining: 1, resetAt });
      await forge.listRunners('org:acme', [], forever);
      const error = await failureOf(forge.listRunners('org:acme', [], forever));
      expect(error).toMatchObject({ code: 'rate-limited', acted: 'no' });
      expect(requestsOf(sim, 'listRunners')).toHaveLength(1);
      await moveBoth(sim, clock, 601_000);
      expect(await forge.listRunners('org:acme', [], forever)).toMatchObject({ isComplete: true });
    });

    it('polling leaves the buffer to the others', async () => {
      const { forge, sim } = await start({
        rateLimitBuffer: 100,
        tokens: { dispatch: DISPATCH_TOKEN, runners: DISPATCH_TOKEN },
      });
      const resetAt = sim.clock.now() + 600_000;
      sim.setRateLimit(DISPATCH_TOKEN, { limit: 5_000, remaining: 101, resetAt });
      await forge.listRunners('org:acme', [], forever);
      const error = await failureOf(forge.listRunners('org:acme', [], forever));
      expect(error).toMatchObject({ code: 'rate-limited', acted: 'no' });
      await forge.dispatch(dispatchOf(), forever);
      await forge.canReadRepo('acme', 'app', forever);
    });

    it('a list of runners that was begun is read to its end beyond the reserve (none was ever known)', async () => {
      const { forge, sim } = await start({ rateLimitBuffer: 100 });
      addRunners(sim, 150);
      const resetAt = sim.clock.now() + 60_000;
      sim.setRateLimit(RUNNERS_TOKEN, { limit: 60, remaining: 49, resetAt });
      expect((await forge.listRunners('org:acme', [], forever)).runners).toHaveLength(150);
    });

    it('two tokens of one user share one budget once both are known', async () => {
      const { forge, sim } = await start({
        tokens: { dispatch: DISPATCH_TOKEN, runners: 'second' },
      });
      sim.addToken({ token: 'second', login: 'bot' });
      await forge.ensureConnected(forever);
      sim.addFault({ on: 'dispatch', kind: 'secondary-limit' });
      await failureOf(forge.dispatch(dispatchOf(), forever));
      const error = await failureOf(forge.listRunners('org:acme', [], forever));
      expect(error).toMatchObject({ code: 'rate-limited', acted: 'no' });
      expect(requestsOf(sim, 'listRunners')).toEqual([]);
    });

    it('the dispatch rate gives a burst, then one at a time', async () => {
      const { forge, clock } = await start({ dispatchRate: { burst: 2, perSecond: 0.5 } });
      expect(forge.credentialFor('dispatch').dispatchesLeft).toBe(2);
      expect(await forge.takeDispatch('acme')).toBeNull();
      expect(await forge.takeDispatch('acme')).toBeNull();
      // Told before anybody asks in vain: a plan that sees none left does not ask.
      expect(forge.credentialFor('dispatch')).toMatchObject({
        dispatchesLeft: 0,
        retryAt: clock.now() + 2_000,
      });
      expect(await forge.takeDispatch('acme')).toBe(clock.now() + 2_000);
      expect(forge.credentialFor('dispatch')).toMatchObject({
        dispatchesLeft: 0,
        retryAt: clock.now() + 2_000,
      });
      await clock.advance(2_000);
      expect(forge.credentialFor('dispatch').dispatchesLeft).toBe(1);
      expect(await forge.takeDispatch('acme')).toBeNull();
    });
  });
}

export function clockContract(start: StartForge): void {
  describe('times', () => {
    it('order observations by when they were asked for', async () => {
      const { forge, sim, clock } = await start();
      const first = await forge.listRunners('org:acme', [], forever);
      await moveBoth(sim, clock, 10);
      const second = await forge.listRunners('org:acme', first.etags, forever);
      await moveBoth(sim, clock, 10);
      const third = await forge.listRuns('acme', 'app', { createdSince: 0 }, forever);
      expect(second.sentAt - first.sentAt).toBe(10);
      expect(third.sentAt - second.sentAt).toBe(10);
      expect(second.forgeSentAt).toBeGreaterThan(first.forgeSentAt);
      expect(third.forgeSentAt).toBeGreaterThan(second.forgeSentAt);
    });

    it('tell the moment of asking on a forge’s clock that runs an hour ahead', async () => {
      const { forge, sim, clock } = await start();
      await forge.listRunners('org:acme', [], forever);
      sim.clock.setOffset(3_600_000);
      // One answer alone may be a proxy's.
      await forge.listRunners('org:acme', [], forever);
      const listing = await forge.listRunners('org:acme', [], forever);
      const { offsetMs, uncertaintyMs } = forge.dateOffset();
      expect(listing.sentAt).toBe(clock.now());
      expect(Math.abs(listing.forgeSentAt - sim.clock.now())).toBeLessThanOrEqual(uncertaintyMs);
      expect(Math.abs(offsetMs - 3_600_000)).toBeLessThanOrEqual(uncertaintyMs);
    });
  });
}
