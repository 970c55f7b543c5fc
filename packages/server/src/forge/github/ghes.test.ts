import { afterEach, describe, expect, it } from 'vitest';
import {
  dispatchOf,
  type ForgeUnderTest,
  failureOf,
  forever,
  requestsOf,
} from '../contract/world.testkit.ts';
import { startOnSim } from './start.testkit.ts';

const started: ForgeUnderTest[] = [];

async function start(ghes?: string): Promise<ForgeUnderTest> {
  const under = await startOnSim(ghes === undefined ? {} : { sim: { ghes } });
  started.push(under);
  return under;
}

afterEach(async () => {
  for (const { forge, sim } of started.splice(0)) {
    await forge.close();
    await sim.close();
    expect(sim.schemaViolations).toEqual([]);
  }
});

describe('a server that does not know return_run_details', () => {
  it('is asked again without it, and never with it after that', async () => {
    const { forge, sim } = await start('3.20');
    expect(forge.can.returnRunDetails).toBe(true);
    expect(await forge.dispatch(dispatchOf(), forever)).toEqual({ runId: null, runUrl: '' });
    expect(requestsOf(sim, 'dispatch').map(({ status }) => status)).toEqual([400, 204]);
    expect(forge.can.returnRunDetails).toBe(false);
    await forge.dispatch(dispatchOf(), forever);
    expect(requestsOf(sim, 'dispatch')).toHaveLength(3);
    expect(sim.ledger().runs).toHaveLength(2);
  });

  it('is asked with it again after an hour: it may have been updated', async () => {
    const { forge, sim, clock } = await start('3.20');
    await forge.dispatch(dispatchOf(), forever);
    await clock.advance(60 * 60_000);
    expect(forge.can.returnRunDetails).toBe(true);
    await forge.dispatch(dispatchOf(), forever);
    expect(requestsOf(sim, 'dispatch').map(({ status }) => status)).toEqual([400, 204, 400, 204]);
    expect(forge.can.returnRunDetails).toBe(false);
  });

  it('is not asked again when the time to send has passed meanwhile', async () => {
    const { forge, sim } = await start('3.20');
    const answers = [true, false];
    const maySend = (): boolean => answers.shift() ?? false;
    const error = await failureOf(forge.dispatch(dispatchOf({ maySend }), forever));
    expect(error).toMatchObject({ code: 'not-sent', acted: 'no' });
    expect(sim.ledger().runs).toEqual([]);
  });

  it('is known as such even if the second request fails for another reason', async () => {
    const { forge } = await start('3.20');
    const error = await failureOf(forge.dispatch(dispatchOf({ ref: 'gone' }), forever));
    expect(error).toMatchObject({ code: 'invalid', acted: 'no', status: 422 });
    expect(forge.can.returnRunDetails).toBe(false);
  });

  it('leaves an unanswered second request unknown', async () => {
    const { forge, sim } = await start('3.20');
    sim.addFault({ on: 'dispatch', kind: 'status-before', status: 400 });
    sim.addFault({ on: 'dispatch', kind: 'reset-after' });
    const error = await failureOf(forge.dispatch(dispatchOf(), forever));
    expect(error).toMatchObject({ code: 'unavailable', acted: 'unknown' });
    expect(sim.ledger().runs).toHaveLength(1);
  });
});

describe('a 400 that is not about return_run_details', () => {
  it('is told as invalid, and the parameter stays', async () => {
    const { forge, sim } = await start();
    sim.addFault({ on: 'dispatch', kind: 'status-before', status: 400, times: 2 });
    const error = await failureOf(forge.dispatch(dispatchOf(), forever));
    expect(error).toMatchObject({ code: 'invalid', acted: 'no', status: 400 });
    expect(forge.can.returnRunDetails).toBe(true);
    expect((await forge.dispatch(dispatchOf(), forever)).runId).not.toBeNull();
  });
});

describe('a page of HTML that a proxy answers with 400', () => {
  it('is no answer of the forge: nothing is sent again, and the parameter stays', async () => {
    const { forge, sim } = await start();
    sim.addFault({ on: 'dispatch', kind: 'status-before', status: 400, html: true });
    const error = await failureOf(forge.dispatch(dispatchOf(), forever));
    expect(error).toMatchObject({ code: 'bad-reply', acted: 'unknown', status: 400 });
    expect(requestsOf(sim, 'dispatch')).toHaveLength(1);
    expect(forge.can.returnRunDetails).toBe(true);
  });
});

describe('a 400 that is followed by a limit', () => {
  it('does not end the parameter: the limit says nothing of it', async () => {
    const { forge, sim } = await start();
    sim.addFault({ on: 'dispatch', kind: 'status-before', status: 400 });
    sim.addFault({ on: 'dispatch', kind: 'secondary-limit' });
    const error = await failureOf(forge.dispatch(dispatchOf(), forever));
    expect(error).toMatchObject({ code: 'rate-limited' });
    expect(forge.can.returnRunDetails).toBe(true);
  });
});

describe('a GHES', () => {
  it('that knows the parameter names the run', async () => {
    const { forge } = await start('3.21');
    expect((await forge.dispatch(dispatchOf(), forever)).runId).not.toBeNull();
  });

  it('of the time of ten inputs refuses an eleventh itself', async () => {
    const { forge, sim } = await start('3.19');
    const inputs = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`k${String(i)}`, 'v']));
    const error = await failureOf(forge.dispatch(dispatchOf({ inputs }), forever));
    expect(error).toMatchObject({ code: 'invalid-inputs', acted: 'no', status: 422 });
    expect(sim.ledger().runs).toEqual([]);
  });

  it('without limits is not taken for one that has used them up (defect #14)', async () => {
    const { forge } = await start('3.20');
    await forge.ensureConnected(forever);
    expect(forge.credentialFor('runners')).toMatchObject({
      isConnected: true,
      rate: { limit: null, remaining: null, resetAt: null, blockedUntil: null },
    });
    expect(await forge.listRunners('org:acme', [], forever)).toMatchObject({ isComplete: true });
  });
});

describe('the type of an owner', () => {
  it('is asked for again after an hour, and stays what it was while nobody answers', async () => {
    const { forge, sim, clock } = await start();
    expect(await forge.findOwnerType('acme', forever)).toBe('org');
    await forge.findOwnerType('acme', forever);
    expect(requestsOf(sim, 'userGet')).toHaveLength(1);
    await clock.advance(60 * 60_000);
    sim.addFault({ on: 'userGet', kind: 'status-before' });
    expect(await forge.findOwnerType('acme', forever)).toBe('org');
    expect(requestsOf(sim, 'userGet')).toHaveLength(2);
  });
});
