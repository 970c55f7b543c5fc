import { describe, expect, it } from 'vitest';
import { call, dispatch, NOON, startSim, TOKEN } from '../sim.testkit.ts';

describe('who may ask', () => {
  it('is nobody without a token, or with a bad one', async () => {
    const sim = await startSim();
    const none = await call(sim, 'GET /user', { token: null });
    expect([none.status, none.body.message]).toEqual([401, 'Requires authentication']);
    const bad = await call(sim, 'GET /user', { token: 'wrong' });
    expect([bad.status, bad.body.message]).toEqual([401, 'Bad credentials']);
    expect(bad.headers.get('x-ratelimit-remaining')).toBeNull();
    expect(sim.schemaViolations).toEqual([]);
  });

  it('heals with its token', async () => {
    const sim = await startSim();
    sim.setToken(TOKEN, { valid: false });
    expect((await call(sim, 'GET /user')).status).toBe(401);
    sim.setToken(TOKEN, { valid: true });
    expect((await call(sim, 'GET /user')).body.login).toBe('acme-bot');
    sim.removeToken(TOKEN);
    expect((await call(sim, 'GET /user')).status).toBe(401);
  });
});

describe('an account that is renamed', () => {
  it('keeps its id, its limit, its other tokens and its runs', async () => {
    const sim = await startSim();
    const before = await call(sim, 'GET /user');
    sim.addToken({ token: 'second', login: 'acme-bot' });
    const runId = await dispatch(sim);
    sim.setToken(TOKEN, { login: 'ship-bot' });
    const after = await call(sim, 'GET /user', { token: 'second' });
    expect(after.body).toMatchObject({ login: 'ship-bot', id: before.body.id });
    expect(after.headers.get('x-ratelimit-used')).toBe('3');
    const run = await call(sim, `GET /repos/acme/app/actions/runs/${runId}`);
    expect(run.body.actor).toMatchObject({ login: 'ship-bot' });
    expect(sim.ledger().runs[0]?.actor).toBe('ship-bot');
    expect(() => {
      sim.setToken(TOKEN, { login: 'ACME' });
    }).toThrow('ACME is taken');
    expect(sim.schemaViolations).toEqual([]);
  });
});

describe('accounts', () => {
  it('are users or organisations, found without regard to case', async () => {
    const sim = await startSim();
    expect((await call(sim, 'GET /user')).body).toMatchObject({ type: 'User' });
    expect((await call(sim, 'GET /users/ACME')).body).toMatchObject({
      login: 'acme',
      type: 'Organization',
    });
    expect((await call(sim, 'GET /users/jane')).body.type).toBe('User');
    expect((await call(sim, 'GET /users/nobody')).status).toBe(404);
    expect(sim.schemaViolations).toEqual([]);
  });

  it('own repositories, which tell their type', async () => {
    const sim = await startSim();
    const app = await call(sim, 'GET /repos/acme/app');
    expect(app.body).toMatchObject({ full_name: 'acme/app', owner: { type: 'Organization' } });
    const dotfiles = await call(sim, 'GET /repos/Jane/Dotfiles');
    expect(dotfiles.body).toMatchObject({ full_name: 'jane/dotfiles', owner: { type: 'User' } });
    expect((await call(sim, 'GET /repos/acme/none')).status).toBe(404);
    expect(sim.schemaViolations).toEqual([]);
  });
});

describe('every reply', () => {
  it('carries the date of the forge’s clock and a request id', async () => {
    const sim = await startSim();
    sim.clock.setOffset(-3_600_000);
    const { headers } = await call(sim, 'GET /user');
    expect(headers.get('date')).toBe('Sat, 31 Jan 2026 11:00:00 GMT');
    expect(headers.get('x-github-request-id')).toMatch(/^[0-9A-F]+:/);
    expect(headers.get('x-ratelimit-reset')).toBe(String(NOON / 1_000));
  });

  it('is the same below /api/v3', async () => {
    const sim = await startSim();
    expect((await call(sim, 'GET /api/v3/user')).body).toEqual((await call(sim, 'GET /user')).body);
  });
});

it('a path that GitHub has not is 404 and a violation', async () => {
  const sim = await startSim();
  const reply = await call(sim, 'GET /no/such/path');
  expect([reply.status, sim.ledger().requests[0]?.endpoint]).toEqual([404, 'unknown']);
  expect(sim.schemaViolations).toEqual(['GET /no/such/path: GitHub has no such endpoint']);
});
