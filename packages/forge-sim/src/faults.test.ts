import { describe, expect, it } from 'vitest';
import type { FaultSpec, ForgeSim } from './index.ts';
import { call, DISPATCH, dispatch, NOON, SECOND, startSim, TOKEN } from './sim.testkit.ts';

function send(sim: ForgeSim) {
  const body = { ref: 'main', return_run_details: true };
  return call(sim, DISPATCH, { body });
}

describe('a fault that answers instead of the forge', () => {
  it.each<[FaultSpec['kind'], number]>([
    ['status-before', 502],
    ['rate-limit-429', 429],
    ['secondary-limit', 403],
    ['not-found', 404],
  ])('%s answers %i, and the forge has not acted', async (kind, status) => {
    const sim = await startSim();
    sim.addFault({ on: 'dispatch', kind });
    expect((await send(sim)).status).toBe(status);
    expect(sim.ledger().requests[0]).toMatchObject({ status, acted: false, fault: kind });
    expect(sim.ledger().runs).toEqual([]);
    expect((await send(sim)).status).toBe(200);
    expect(sim.schemaViolations).toEqual([]);
  });

  it('may come from a proxy, as a page of HTML', async () => {
    const sim = await startSim();
    sim.addFault({ on: 'dispatch', kind: 'status-before', status: 400, html: true });
    const headers = { authorization: `Bearer ${TOKEN}` };
    const [method = '', path = ''] = DISPATCH.split(' ');
    const reply = await fetch(sim.url + path, { method, headers, body: '{"ref":"main"}' });
    expect([reply.status, reply.headers.get('content-type')]).toEqual([400, 'text/html']);
    expect(await reply.text()).toMatch(/^<html>/);
    expect(sim.ledger().runs).toEqual([]);
  });

  it('says when to come back', async () => {
    const sim = await startSim();
    sim.addFault({ on: '*', kind: 'rate-limit-429', retryAfterS: 7 });
    const { headers } = await send(sim);
    expect(headers.get('retry-after')).toBe('7');
    expect(headers.get('x-ratelimit-remaining')).toBe('0');
    expect(headers.get('x-ratelimit-reset')).toBe(String(NOON / SECOND + 7));
    sim.addFault({ on: '*', kind: 'secondary-limit', retryAfterS: 3, status: 429 });
    const second = await send(sim);
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '3']);
  });
});

it('the ledger shows who hung up before the reply', async () => {
  const sim = await startSim();
  sim.addFault({ on: 'dispatch', kind: 'hold' });
  const client = new AbortController();
  const [method = '', path = ''] = DISPATCH.split(' ');
  const sent = fetch(sim.url + path, {
    method,
    headers: { authorization: `Bearer ${TOKEN}` },
    body: '{"ref":"main"}',
    signal: client.signal,
  }).catch(() => 'hung up');
  await sim.wait(({ requests }) => requests[0]?.acted === true);
  client.abort();
  expect(await sent).toBe('hung up');
  await sim.wait(({ requests }) => requests[0]?.abandoned === true);
  expect(sim.ledger().requests[0]).toMatchObject({ status: null, acted: true });
});

describe('a latency', () => {
  it('of a span is drawn anew for each reply, after the act, by the seed', async () => {
    const latencies = async (seed: number): Promise<number[]> => {
      const sim = await startSim({ seed, clock: 'manual' });
      const latencyMs = [50, 500] as const;
      sim.addFault({ on: 'dispatch', kind: 'latency', latencyMs, times: Infinity });
      const sent = [];
      for (let count = 1; count <= 20; count += 1) {
        sent.push(send(sim));
        await sim.wait(({ requests }) => requests.filter(({ acted }) => acted).length === count);
      }
      expect(sim.ledger().runs).toHaveLength(20);
      await sim.clock.advance(49);
      expect(sim.ledger().requests.every(({ status }) => status === null)).toBe(true);
      await sim.clock.advance(451);
      await Promise.all(sent);
      return sim.ledger().requests.map(({ at, repliedAt }) => (repliedAt ?? 0) - at);
    };
    const [first, again, other] = [await latencies(1), await latencies(1), await latencies(2)];
    expect(first).toEqual(again);
    expect(first).not.toEqual(other);
    expect(new Set(first).size).toBeGreaterThan(10);
    expect(Math.max(...first)).toBeLessThanOrEqual(500);
  });

  it('of a span that ends before it begins is refused', async () => {
    const sim = await startSim();
    expect(() => sim.addFault({ on: '*', kind: 'latency', latencyMs: [500, 50] })).toThrow(
      'fault.latencyMs: [500, 50] must not end before it begins',
    );
  });
});

describe('a fault after the act', () => {
  it('status-after answers 5xx though the run exists', async () => {
    const sim = await startSim();
    sim.addFault({ on: 'dispatch', kind: 'status-after', status: 504 });
    expect((await send(sim)).status).toBe(504);
    expect(sim.ledger().requests[0]).toMatchObject({ status: 504, acted: true });
    expect(sim.ledger().runs).toHaveLength(1);
  });

  it('unparsable answers 2xx with half a body', async () => {
    const sim = await startSim();
    sim.addFault({ on: 'dispatch', kind: 'unparsable', times: 2 });
    await expect(send(sim)).rejects.toThrow(SyntaxError);
    const noDetails = call(sim, DISPATCH, { body: { ref: 'main' } });
    await expect(noDetails).rejects.toThrow(SyntaxError);
    expect(sim.ledger().requests).toMatchObject([
      { status: 200, acted: true },
      { status: 200, acted: true },
    ]);
    expect(sim.ledger().runs).toHaveLength(2);
  });

  it('latency replies late, the act is not', async () => {
    const sim = await startSim();
    sim.addFault({ on: 'dispatch', kind: 'latency', latencyMs: 40 * SECOND });
    const reply = send(sim);
    await sim.wait(({ runs }) => runs.length === 1);
    await sim.clock.advance(39 * SECOND);
    expect(sim.ledger().requests[0]?.repliedAt).toBeUndefined();
    await sim.clock.advance(SECOND);
    expect((await reply).status).toBe(200);
    expect(sim.ledger().requests[0]?.repliedAt).toBe(NOON + 40 * SECOND);
  });
});

describe('a reset', () => {
  it.each<[FaultSpec['kind'], number]>([
    ['reset-before', 0],
    ['reset-after', 1],
  ])('%s cuts the connection with %i runs made', async (kind, runs) => {
    const sim = await startSim();
    sim.addFault({ on: 'dispatch', kind });
    await expect(send(sim)).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    expect(sim.ledger().runs).toHaveLength(runs);
    expect(sim.ledger().requests[0]).toMatchObject({ status: null, acted: runs === 1 });
    expect((await send(sim)).status).toBe(200);
  });
});

describe('a hold', () => {
  it('acts and keeps the reply until released', async () => {
    const sim = await startSim();
    const { id } = sim.addFault({ on: 'dispatch', kind: 'hold' });
    const reply = send(sim);
    await sim.wait(({ requests }) => requests[0]?.acted === true);
    expect(sim.ledger().runs).toHaveLength(1);
    expect(sim.ledger().requests[0]?.status).toBeNull();
    sim.release(id);
    expect((await reply).status).toBe(200);
  });

  it('hold-before does not act until released', async () => {
    const sim = await startSim();
    const { id } = sim.addFault({ on: 'dispatch', kind: 'hold-before' });
    const reply = send(sim);
    await sim.wait(({ requests }) => requests[0]?.fault === 'hold-before');
    expect(sim.ledger().runs).toEqual([]);
    sim.release(id);
    expect((await reply).status).toBe(200);
    expect(sim.ledger().runs).toHaveLength(1);
  });

  it('outlives its client: the act stands, the reply reaches nobody', async () => {
    const sim = await startSim();
    const { id } = sim.addFault({ on: 'dispatch', kind: 'hold' });
    const client = new AbortController();
    const [, path = ''] = DISPATCH.split(' ');
    const headers = { authorization: 'Bearer token-of-acme-bot' };
    const lost = fetch(sim.url + path, {
      method: 'POST',
      headers,
      body: '{"ref":"main"}',
      signal: client.signal,
    });
    await sim.wait(({ requests }) => requests[0]?.acted === true);
    client.abort();
    await expect(lost).rejects.toThrow('abort');
    // The next request shows that the server has seen the connection go.
    await call(sim, 'GET /user');
    sim.release(id);
    await call(sim, 'GET /user');
    expect(sim.ledger().requests[0]).toMatchObject({ acted: true, status: null });
    expect(sim.ledger().runs).toHaveLength(1);
  });

  it('is cut when the forge closes', async () => {
    const sim = await startSim();
    sim.addFault({ on: '*', kind: 'hold' });
    const held = expect(call(sim, 'GET /user')).rejects.toThrow('fetch failed');
    await sim.wait(({ requests }) => requests[0]?.acted === true);
    await sim.close();
    await held;
  });

  it('is let go by clearFaults', async () => {
    const sim = await startSim();
    sim.addFault({ on: '*', kind: 'hold', times: Infinity });
    const replies = Promise.all([call(sim, 'GET /user'), call(sim, 'GET /user')]);
    await sim.wait(({ requests }) => requests.filter((each) => each.acted).length === 2);
    sim.clearFaults();
    expect((await replies).map((reply) => reply.status)).toEqual([200, 200]);
  });
});

describe('which requests a fault meets', () => {
  it('only its endpoint, owner and repository, so many times', async () => {
    const sim = await startSim();
    sim.addFault({ on: 'repoGet', owner: 'Acme', repo: 'App', kind: 'not-found', times: 2 });
    const statuses: number[] = [];
    for (const path of [
      '/user',
      '/repos/jane/dotfiles',
      '/repos/acme/app',
      '/repos/acme/app',
      '/repos/acme/app',
    ]) {
      statuses.push((await call(sim, `GET ${path}`)).status);
    }
    expect(statuses).toEqual([200, 200, 404, 404, 200]);
  });

  it('a share of them, by the seed', async () => {
    const hits = async (seed: number): Promise<number[]> => {
      const sim = await startSim({ seed });
      sim.addFault({ on: '*', kind: 'status-before', times: Infinity, probability: 0.5 });
      const statuses: number[] = [];
      for (let i = 0; i < 20; i += 1) statuses.push((await call(sim, 'GET /user')).status);
      return statuses;
    };
    const statuses = await hits(3);
    expect(new Set(statuses)).toEqual(new Set([200, 502]));
    expect(await hits(3)).toEqual(statuses);
  });

  it('none after clearFaults', async () => {
    const sim = await startSim();
    sim.addFault({ on: '*', kind: 'reset-before', times: Infinity });
    sim.clearFaults();
    expect(await dispatch(sim)).toBeGreaterThan(0);
  });

  it('none at all when the fault is misspelt', async () => {
    const sim = await startSim();
    const wrong = { on: 'dispatches', kind: 'hold' } as never;
    expect(() => sim.addFault(wrong)).toThrow('fault.on: must be equal to one of');
  });
});

describe('the profile github', () => {
  it('acts and replies late, shows runs later and starts jobs later', async () => {
    const sim = await startSim({ profile: 'github' });
    sim.addRunner({ scope: 'org:acme', name: 'one', labels: ['linux'] });
    const reply = send(sim);
    await sim.wait(({ requests }) => requests.length === 1);
    expect(sim.ledger().runs).toEqual([]);
    await sim.clock.advance(200);
    await reply;
    const [request] = sim.ledger().requests;
    const tookMs = (request?.repliedAt ?? 0) - NOON;
    expect(tookMs).toBeGreaterThanOrEqual(80);
    expect(tookMs).toBeLessThanOrEqual(200);
    await sim.clock.advance(3 * SECOND);
    const [run] = sim.ledger().runs;
    const visibleMs = (run?.visibleAt ?? 0) - (run?.createdAt ?? 0);
    expect(visibleMs).toBeGreaterThanOrEqual(SECOND);
    expect(visibleMs).toBeLessThanOrEqual(3 * SECOND);
    const pickupMs = (run?.jobs[0]?.startedAt ?? 0) - (run?.createdAt ?? 0);
    expect(pickupMs).toBeGreaterThanOrEqual(SECOND);
    expect(pickupMs).toBeLessThanOrEqual(2 * SECOND);
  });
});
