import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job } from '@dispatchoor/api-contract';
import type { InjectOptions } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { syncUsers } from '../auth/sync-users.ts';
import { FakeClock } from '../lib/clock.testkit.ts';
import { makeLogger } from '../lib/logger.ts';
import { Secret } from '../lib/secret.ts';
import { makeMetrics } from '../metrics/metrics.ts';
import { openStore } from '../store/open-store.ts';
import type { SyncTemplate } from '../store/port/catalog.ts';
import { testOptions } from './app.testkit.ts';
import { makeHttpApp } from './app.ts';
import { noon } from './store.testkit.ts';

const releasers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const release of releasers.splice(0).reverse()) await release();
});

const template: SyncTemplate = {
  id: 't1',
  name: 'Template one',
  owner: 'acme',
  repo: 'rockets',
  workflowId: 'build.yml',
  ref: 'main',
  defaultInputs: { client: 'geth', network: 'main' },
  labels: { 'el.client': 'geth' },
  runners: 1,
  correlationInput: null,
  sourceType: 'inline',
  sourcePath: '',
};

/** The real store on a fresh SQLite file, one group with one template, and the two users of a config. */
async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'dispatchoor-http-'));
  releasers.push(() => rm(folder, { recursive: true, force: true }));
  const clock = new FakeClock(noon);
  const logger = makeLogger('silent', { write: () => undefined });
  const store = await openStore(
    { driver: 'sqlite', path: join(folder, 'test.db') },
    { clock, origin: 'one', logger },
  );
  releasers.push(() => store.close());
  const group = { id: 'g1', name: 'Group one', description: '', runnerLabels: ['linux'] };
  await store.catalog.sync({ id: 'github', kind: 'github' }, [
    { ...group, runnerScopes: null, maxParallel: null, templates: [template] },
  ]);
  await syncUsers(
    [
      { username: 'ada', password: new Secret('right'), role: 'admin' },
      { username: 'grace', password: new Secret('also'), role: 'readonly' },
    ],
    store.users,
  );
  const version = { version: '1.2.3', gitCommit: 'abc', buildDate: 'today' };
  const metrics = makeMetrics({
    ...{ store, clock, version },
    runnersRateRemaining: () => null,
    onScrapeError: () => undefined,
  });
  const app = await makeHttpApp({
    ...{ store, clock, logger, metrics, version },
    options: testOptions,
    forgeStatus: () => [],
    webhookVerifiers: new Map(),
    isDispatchEnabled: () => true,
    listUnready: () => [],
    listenToEvents: () => undefined,
  });
  releasers.push(() => app.close());
  const login = async (username: string, password: string): Promise<string> => {
    const payload = { username, password };
    const reply = await app.inject({ method: 'POST', url: '/api/v1/auth/login', payload });
    return reply.json<{ token: string }>().token;
  };
  const authorization = `Bearer ${await login('ada', 'right')}`;
  const ask = (request: InjectOptions) =>
    app.inject({ ...request, headers: { authorization, ...request.headers } });
  const add = (payload: object, headers = {}) =>
    ask({ method: 'POST', url: '/api/v1/groups/g1/queue', payload, headers });
  return { app, store, clock, metrics, login, ask, add };
}

describe('on a real database', () => {
  it('a template job is added, seen everywhere, explained, paused and deleted', async () => {
    const { ask, add } = await open();
    const reply = await add({ template_id: 't1', inputs: { client: 'reth' }, priority: 5 });
    expect(reply.statusCode).toBe(201);
    const job = reply.json<{ id: string }>();
    expect(job).toMatchObject({
      group_id: 'g1',
      template_id: 't1',
      priority: 5,
      position: 0,
      status: 'pending',
      inputs: { client: 'reth', network: 'main' },
      created_by: 'ada',
      run_id: null,
      created_at: '2026-01-01T12:00:00.000Z',
    });
    expect((await ask({ url: `/api/v1/jobs/${job.id}` })).json()).toEqual(job);
    expect((await ask({ url: '/api/v1/groups/g1/queue' })).json()).toEqual([job]);
    expect((await ask({ url: '/api/v1/groups' })).json()).toMatchObject([
      { queued_jobs: 1, running_jobs: 0, template_count: 1 },
    ]);
    expect((await ask({ url: '/api/v1/status' })).json()).toMatchObject({
      queue: { pending_jobs: 1, triggered_jobs: 0, running_jobs: 0 },
    });
    const why = await ask({ url: `/api/v1/jobs/${job.id}/why` });
    expect(why.json()).toMatchObject({ code: 'forge-unavailable', ahead: 0 });
    const paused = await ask({ method: 'POST', url: `/api/v1/jobs/${job.id}/pause` });
    expect(paused.json()).toMatchObject({ paused: true });
    const cancelled = await ask({ method: 'POST', url: `/api/v1/jobs/${job.id}/cancel` });
    expect(cancelled.statusCode).toBe(400);
    const deleted = await ask({ method: 'DELETE', url: `/api/v1/jobs/${job.id}` });
    expect(deleted.statusCode).toBe(204);
    expect((await ask({ url: `/api/v1/jobs/${job.id}` })).statusCode).toBe(404);
    const again = await ask({ method: 'DELETE', url: `/api/v1/jobs/${job.id}` });
    expect(again.statusCode).toBe(400);
  });

  it('a manual job has the fields that were given, and no others', async () => {
    const { add } = await open();
    const target = { owner: 'acme', repo: 'rockets', workflow_id: 'build.yml', ref: 'main' };
    const job = (await add({ ...target, auto_requeue: true, requeue_limit: 3 })).json();
    expect(job).toMatchObject({
      ...target,
      template_id: '',
      inputs: null,
      auto_requeue: true,
      requeue_limit: 3,
    });
    expect(job).not.toHaveProperty('name');
    expect(job).not.toHaveProperty('labels');
  });

  it('the same Idempotency-Key answers the same job, and refuses another body', async () => {
    const { ask, add } = await open();
    const key = { 'idempotency-key': 'once' };
    const first = await add({ template_id: 't1' }, key);
    const second = await add({ template_id: 't1' }, key);
    expect(second.statusCode).toBe(201);
    expect(second.json()).toEqual(first.json());
    expect((await add({ template_id: 't1', priority: 1 }, key)).statusCode).toBe(422);
    expect((await ask({ url: '/api/v1/groups/g1/queue' })).json()).toHaveLength(1);
  });

  it('unknown groups and templates are told apart from mistakes', async () => {
    const { ask, add } = await open();
    expect((await add({ template_id: 'nope' })).json()).toMatchObject({ code: 'unknown-template' });
    const elsewhere = await ask({
      method: 'POST',
      url: '/api/v1/groups/nope/queue',
      payload: { owner: 'a', repo: 'b', workflow_id: 'c', ref: 'd' },
    });
    expect(elsewhere.statusCode).toBe(400);
    expect(elsewhere.json()).toMatchObject({ code: 'unknown-group' });
    expect((await ask({ url: '/api/v1/groups/nope/queue' })).json()).toEqual([]);
    expect((await ask({ url: '/api/v1/groups/nope/templates' })).json()).toEqual([]);
    expect((await ask({ url: '/api/v1/groups/nope/runners' })).statusCode).toBe(404);
  });

  it('a queue of any length is the same whole, in pages, and in order of priority', async () => {
    const { ask, add, clock } = await open();
    const expected: string[] = [];
    for (let i = 0; i < 25; i += 1) {
      clock.step(1);
      expected.push((await add({ template_id: 't1' })).json<{ id: string }>().id);
    }
    const urgent = (await add({ template_id: 't1', priority: 9 })).json<{ id: string }>().id;
    expected.unshift(urgent);
    const idsOf = (jobs: { id: string }[]) => jobs.map(({ id }) => id);
    const whole = (await ask({ url: '/api/v1/groups/g1/queue' })).json<Job[]>();
    expect(idsOf(whole)).toEqual(expected);
    expect(whole.map((job) => job.position)).toEqual([...expected.keys()]);
    const paged: string[] = [];
    let cursor: string | undefined;
    do {
      const query = `limit=10${cursor === undefined ? '' : `&cursor=${cursor}`}`;
      const page = await ask({ url: `/api/v1/groups/g1/queue?${query}` });
      paged.push(...idsOf(page.json()));
      cursor = page.headers['x-next-cursor'] as string | undefined;
    } while (cursor !== undefined);
    expect(paged).toEqual(expected);
  });

  it('history knows label keys with dots, and takes any text for a cursor (defect #26)', async () => {
    const { ask } = await open();
    for (const query of [
      'label.el.client=geth',
      'label."x=1',
      'label.a%00b=c',
      'before=%00',
      'before=x',
    ]) {
      const reply = await ask({ url: `/api/v1/groups/g1/history?${query}` });
      expect(reply.statusCode).toBe(200);
      expect(reply.json()).toEqual({ jobs: [], has_more: false, total_count: 0 });
    }
  });

  it('a paused group stays paused and tells why its jobs wait', async () => {
    const { ask, add } = await open();
    const { id } = (await add({ template_id: 't1' })).json<{ id: string }>();
    const paused = await ask({ method: 'POST', url: '/api/v1/groups/g1/pause' });
    expect(paused.json()).toMatchObject({ id: 'g1', paused: true });
    expect((await ask({ method: 'POST', url: '/api/v1/groups/g1/pause' })).statusCode).toBe(200);
    expect((await ask({ url: `/api/v1/jobs/${id}/why` })).json()).toMatchObject({
      code: 'group-paused',
    });
  });

  it('a session lives over a restart of the users, ends alone, and has its time (defects #9, #27)', async () => {
    const { app, store, clock, login } = await open();
    const [one, other] = [await login('grace', 'also'), await login('grace', 'also')];
    const me = async (token: string) =>
      (await app.inject({ url: '/api/v1/auth/me', headers: { cookie: `session=${token}` } }))
        .statusCode;
    await syncUsers(
      [{ username: 'grace', password: new Secret('also'), role: 'readonly' }],
      store.users,
    );
    expect(await me(one)).toBe(200);
    await app.inject({
      method: 'POST',
      url: '/api/v1/auth/logout',
      headers: { authorization: one, cookie: `session=${other}` },
    });
    expect([await me(one), await me(other)]).toEqual([401, 200]);
    clock.step(testOptions.sessionTtlMs);
    expect(await me(other)).toBe(401);
  });

  it('a changed password and a user gone from the config end their sessions (defect #9)', async () => {
    const { app, store, login } = await open();
    const [ada, grace] = [await login('ada', 'right'), await login('grace', 'also')];
    await syncUsers(
      [{ username: 'grace', password: new Secret('new'), role: 'readonly' }],
      store.users,
    );
    for (const token of [ada, grace]) {
      const headers = { authorization: `Bearer ${token}` };
      expect((await app.inject({ url: '/api/v1/auth/me', headers })).statusCode).toBe(401);
    }
    const payload = { username: 'ada', password: 'right' };
    const reply = await app.inject({ method: 'POST', url: '/api/v1/auth/login', payload });
    expect(reply.statusCode).toBe(401);
  });

  it('events become counters, rows become gauges (defect #23)', async () => {
    const { app, store, metrics, add } = await open();
    const seen = await store.events.lastSeq();
    await add({ template_id: 't1' });
    for (const event of await store.events.listAfter(seen, 100)) metrics.countEvent(event);
    const reply = await app.inject({ url: '/metrics' });
    const lines = reply.body.split('\n');
    expect(lines).toContain('dispatchoor_jobs_created_total{group="g1"} 1');
    expect(lines).toContain('dispatchoor_queue_size{group="g1",status="pending"} 1');
    expect(lines).toContain(
      'dispatchoor_http_requests_total{method="POST",path="/api/v1/groups/{id}/queue",status="201"} 1',
    );
  });
});
