import { afterEach, describe, expect, it } from 'vitest';
import {
  DISPATCH_TOKEN,
  dispatchOf,
  type ForgeUnderTest,
  failureOf,
  forever,
  moveBoth,
  RUNNERS_TOKEN,
  requestsOf,
  type StartOptions,
} from '../contract/world.testkit.ts';
import type { Forge } from '../forge.ts';
import { makeTestForge, startOnSim } from './start.testkit.ts';

const releases: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

async function start(options?: StartOptions): Promise<ForgeUnderTest> {
  const under = await startOnSim(options);
  releases.push(
    () => under.sim.close(),
    () => under.forge.close(),
  );
  return under;
}

/** Another process on the same store and the same forge. */
function startReplica({ sim, clock, budgets }: ForgeUnderTest, options?: StartOptions): Forge {
  const replica = makeTestForge({ baseUrl: sim.url, clock, budgets }, options);
  releases.push(() => replica.close());
  return replica;
}

describe('a budget in the store', () => {
  it('keeps a block over a restart', async () => {
    const under = await start();
    under.sim.addFault({ on: 'dispatch', kind: 'secondary-limit', retryAfterS: 60 });
    const { retryAt } = await failureOf(under.forge.dispatch(dispatchOf(), forever));
    await under.forge.close();
    const reborn = startReplica(under);
    expect(await reborn.takeDispatch('acme')).toBe(retryAt);
  });

  it('keeps no block of the token before: the new one is asked with at once', async () => {
    const under = await start();
    under.sim.addFault({ on: 'dispatch', kind: 'secondary-limit', retryAfterS: 3_600 });
    await failureOf(under.forge.dispatch(dispatchOf(), forever));
    await under.forge.close();
    const tokens = { dispatch: RUNNERS_TOKEN, runners: RUNNERS_TOKEN };
    const reborn = startReplica(under, { tokens });
    expect(await reborn.takeDispatch('acme')).toBeNull();
    await reborn.ensureConnected(forever);
    expect(reborn.credentialFor('dispatch')).toMatchObject({
      isConnected: true,
      actor: 'watcher',
      rate: { blockedUntil: null },
    });
  });

  it('keeps no token, nor what leads back to one', async () => {
    const under = await start();
    await under.forge.ensureConnected(forever);
    await under.forge.close();
    const keys = [...under.budgets.budgets.keys()];
    expect(keys.map((key) => key.replace(/[0-9a-f]{16}$/, 'HASH'))).toEqual([
      'github/dispatch/HASH',
      'github/runners/HASH',
    ]);
  });

  it('shows a block before anything was asked', async () => {
    const under = await start();
    under.sim.addFault({ on: 'dispatch', kind: 'secondary-limit', retryAfterS: 60 });
    const { retryAt } = await failureOf(under.forge.dispatch(dispatchOf(), forever));
    await under.forge.close();
    const reborn = startReplica(under);
    const asked = under.sim.ledger().requests.length;
    await reborn.recallLimits();
    expect(reborn.credentialFor('dispatch')).toMatchObject({
      isConnected: false,
      error: '',
      rate: { blockedUntil: retryAt },
    });
    expect(under.sim.ledger().requests).toHaveLength(asked);
  });

  it('brings a block to the other replicas', async () => {
    const under = await start();
    const replica = startReplica(under);
    expect(await replica.takeDispatch('acme')).toBeNull();
    under.sim.addFault({ on: 'dispatch', kind: 'secondary-limit', retryAfterS: 60 });
    const { retryAt } = await failureOf(under.forge.dispatch(dispatchOf(), forever));
    await moveBoth(under.sim, under.clock, 5_000);
    expect(await replica.takeDispatch('acme')).toBe(retryAt);
  });

  it('has one bucket for all replicas', async () => {
    const rate = { dispatchRate: { burst: 2, perSecond: 1 } };
    const under = await start(rate);
    const replica = startReplica(under, rate);
    expect(await under.forge.takeDispatch('acme')).toBeNull();
    expect(await replica.takeDispatch('acme')).toBeNull();
    expect(await under.forge.takeDispatch('acme')).toBe(under.clock.now() + 1_000);
    expect(await replica.takeDispatch('acme')).toBe(under.clock.now() + 1_000);
  });

  it('halves the dispatch rate after a secondary limit', async () => {
    const under = await start({ dispatchRate: { burst: 4, perSecond: 1 } });
    under.sim.addFault({ on: 'dispatch', kind: 'secondary-limit', retryAfterS: 1 });
    await failureOf(under.forge.dispatch(dispatchOf(), forever));
    await moveBoth(under.sim, under.clock, 2_000);
    expect(await under.forge.takeDispatch('acme')).toBeNull();
    expect(await under.forge.takeDispatch('acme')).toBeNull();
    expect(await under.forge.takeDispatch('acme')).toBe(under.clock.now() + 2_000);
  });

  it('remembers whose credential it was', async () => {
    const under = await start();
    await under.forge.ensureConnected(forever);
    await under.forge.close();
    const reborn = startReplica(under);
    await reborn.takeDispatch('acme');
    expect(reborn.credentialFor('dispatch')).toMatchObject({ actor: 'bot', isConnected: false });
  });

  it('is written at most every five seconds, a block at once', async () => {
    const { forge, sim, clock, budgets } = await start();
    await forge.canReadRepo('acme', 'app', forever);
    await clock.advance(0);
    const before = budgets.saveCount;
    for (let count = 0; count < 10; count += 1) await forge.canReadRepo('acme', 'app', forever);
    expect(budgets.saveCount).toBe(before);
    await clock.advance(5_000);
    expect(budgets.saveCount).toBe(before + 1);
    sim.addFault({ on: 'repoGet', kind: 'secondary-limit' });
    await failureOf(forge.canReadRepo('acme', 'app', forever));
    await clock.advance(0);
    expect(budgets.saveCount).toBe(before + 2);
  });

  it('that cannot be reached stops no request', async () => {
    const { forge, budgets } = await start();
    budgets.failure = new Error('database away');
    await forge.ensureConnected(forever);
    expect(await forge.canReadRepo('acme', 'app', forever)).toBe(true);
    await forge.dispatch(dispatchOf(), forever);
    expect(await forge.takeDispatch('acme')).toBeNull();
  });

  it('is one from the start for two uses of the same token', async () => {
    const { forge, sim } = await start({
      tokens: { dispatch: DISPATCH_TOKEN, runners: DISPATCH_TOKEN },
    });
    sim.addFault({ on: 'dispatch', kind: 'secondary-limit' });
    await failureOf(forge.dispatch(dispatchOf(), forever));
    await failureOf(forge.listRunners('org:acme', [], forever));
    expect(requestsOf(sim, 'listRunners')).toEqual([]);
  });
});
