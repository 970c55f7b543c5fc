import { describe, expect, it } from 'vitest';
import { startReceiver } from '../hooks/receiver.testkit.ts';
import type { ForgeSim, Ledger } from '../index.ts';
import {
  call,
  dispatch,
  getRun,
  NOON,
  SECOND,
  smallWorld,
  startSim,
  TOKEN,
} from '../sim.testkit.ts';

async function control(sim: ForgeSim, route: string, body?: unknown) {
  const [method = '', path = ''] = route.split(' ');
  const init = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(`${sim.url}/_sim${path}`, { method, ...init });
  const text = await response.text();
  const parsed: unknown = text === '' ? undefined : JSON.parse(text);
  return { status: response.status, body: parsed };
}

describe('control over HTTP', () => {
  it('seeds a world, and is neither counted nor in the ledger', async () => {
    const sim = await startSim({}, {});
    expect((await control(sim, 'POST /seed', smallWorld)).status).toBe(204);
    const { headers } = await call(sim, 'GET /user');
    expect(headers.get('x-ratelimit-used')).toBe('1');
    const ledger = (await control(sim, 'GET /ledger')).body as Ledger;
    expect(ledger).toEqual(sim.ledger());
    expect(ledger.requests).toHaveLength(1);
  });

  it('adds, changes and removes runners', async () => {
    const sim = await startSim();
    const spec = { scope: 'org:acme', name: 'one', labels: ['linux'] };
    expect((await control(sim, 'POST /runners', spec)).body).toEqual({ id: 1 });
    await control(sim, 'PATCH /runners/1', { busy: true });
    const runId = await dispatch(sim);
    expect(getRun(sim, runId).status).toBe('queued');
    await control(sim, 'PATCH /runners/1', { busy: false });
    expect(getRun(sim, runId).status).toBe('in_progress');
    await control(sim, 'DELETE /runners/1');
    expect(getRun(sim, runId).conclusion).toBe('failure');
  });

  it('moves the clock', async () => {
    const sim = await startSim();
    await control(sim, 'POST /clock/advance', { ms: SECOND });
    await control(sim, 'POST /clock/offset', { ms: 5 });
    expect((await control(sim, 'GET /clock')).body).toEqual({ now: NOON + SECOND + 5 });
  });

  it('arms, releases and clears faults', async () => {
    const sim = await startSim();
    const armed = await control(sim, 'POST /faults', { on: '*', kind: 'hold', times: 'always' });
    const held = call(sim, 'GET /user');
    await sim.wait(({ requests }) => requests[0]?.acted === true);
    expect(armed.body).toEqual({ id: 1 });
    await control(sim, 'POST /faults/1/release');
    expect((await held).status).toBe(200);
    await control(sim, 'DELETE /faults');
    expect((await call(sim, 'GET /user')).status).toBe(200);
  });

  it('changes tokens and limits', async () => {
    const sim = await startSim();
    await control(sim, 'POST /tokens', { token: 'new', login: 'acme-bot' });
    await control(sim, 'PATCH /tokens', { token: 'new', valid: false });
    expect((await call(sim, 'GET /user', { token: 'new' })).status).toBe(401);
    await control(sim, 'DELETE /tokens', { token: 'new' });
    await control(sim, 'PUT /limits/secondary', { perMinutePoints: 0 });
    expect((await call(sim, 'GET /user')).status).toBe(403);
    await control(sim, 'PUT /limits/secondary', null);
    expect((await call(sim, 'GET /user')).status).toBe(200);
    await control(sim, 'PUT /limits/primary', { token: TOKEN, remaining: 0 });
    expect((await call(sim, 'GET /user')).status).toBe(403);
  });

  it('steers runs', async () => {
    const sim = await startSim();
    await control(sim, 'PUT /run-visibility', { delayMs: SECOND });
    await control(sim, 'PUT /run-search', { blind: true });
    await control(sim, 'PUT /run-search', { blind: false });
    const runId = await dispatch(sim);
    expect(getRun(sim, runId).visibleAt).toBe(NOON + SECOND);
    await control(sim, `POST /runs/${runId}/complete`, { conclusion: 'stale' });
    expect(getRun(sim, runId).conclusion).toBe('stale');
    await control(sim, `POST /runs/${runId}/rerun`);
    expect(getRun(sim, runId).runAttempt).toBe(2);
    const refused = await control(sim, `POST /runs/${runId}/release-gate`);
    expect(refused).toMatchObject({ status: 400 });
    await control(sim, `DELETE /runs/${runId}`);
    expect(getRun(sim, runId).deleted).toBe(true);
  });

  it('makes, pauses, logThrottle and removes webhooks', async () => {
    const sim = await startSim();
    const receiver = await startReceiver();
    const made = await control(sim, 'POST /hooks', { url: receiver.url, owner: 'acme' });
    expect(made.body).toEqual({ id: 1 });
    await sim.wait(({ deliveryCounts }) => deliveryCounts.accepted === 1);
    await control(sim, 'POST /hooks/pause');
    await dispatch(sim);
    await control(sim, 'POST /hooks/resume');
    const faults = { doubled: 1, reordered: false, delayed: { probability: 0, ms: [1, 2] } };
    expect((await control(sim, 'PUT /hook-faults', faults)).status).toBe(204);
    await dispatch(sim);
    await sim.wait(({ deliveryCounts }) => deliveryCounts.accepted === 5);
    const { deliveryCounts, deliveries } = (await control(sim, 'GET /ledger')).body as Ledger;
    expect(deliveryCounts).toMatchObject({ total: 7, lost: 2, doubled: 2, accepted: 5 });
    expect(deliveries).toHaveLength(7);
    expect((await control(sim, 'DELETE /hooks/1')).status).toBe(204);
    expect((await control(sim, 'DELETE /hooks/1')).status).toBe(400);
  });

  it('tells what the schema validator has seen', async () => {
    const sim = await startSim();
    await call(sim, 'GET /user', { headers: { 'x-github-api-version': '2099-01-01' } });
    const { body } = await control(sim, 'GET /schema-violations');
    expect(body).toEqual({ violations: sim.schemaViolations });
    expect(sim.schemaViolations).toHaveLength(1);
  });

  it.each([
    ['POST /seed', { owner: [] }, 'must NOT have additional properties (owner)'],
    ['POST /seed', undefined, 'world: must be object'],
    ['POST /runners', { scope: 'acme', name: 'x', labels: [] }, 'runner.scope: must match pattern'],
    ['PATCH /runners/7', { busy: true }, 'no runner 7'],
    ['POST /faults', { on: 'x', kind: 'hold' }, 'fault.on'],
    ['POST /clock/advance', { ms: -1 }, 'body.ms: must be >= 0'],
    ['POST /hooks', { url: 'http://127.0.0.1:1', owner: 'x' }, 'hook.owner: no owner x'],
    ['PUT /hook-faults', { lost: 'all' }, 'hook faults.lost: must be number'],
    ['POST /runs/1/complete', { conclusion: 'success' }, 'no run 1'],
  ])('%s with %j is refused, naming the place', async (route, body, problem) => {
    const sim = await startSim();
    const reply = await control(sim, route, body);
    expect(reply.status).toBe(400);
    expect(JSON.stringify(reply.body)).toContain(problem);
  });

  it('says what it does not know', async () => {
    const sim = await startSim();
    const reply = await control(sim, 'GET /nothing');
    expect(reply.status).toBe(404);
    expect(sim.ledger().requests).toEqual([]);
  });
});
