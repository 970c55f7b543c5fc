import type { Status } from '@dispatchoor/api-contract';
import { describe, expect, it } from 'vitest';
import { StoreError } from '../../store/port/store.ts';
import { openTestApp, type TestAppParts } from '../app.testkit.ts';
import type { ForgeClient } from '../deps.ts';
import { noon } from '../store.testkit.ts';

const client: ForgeClient = {
  use: 'runners',
  configKey: 'github.token',
  isConfigured: true,
  isConnected: true,
  error: '',
  rate: { remaining: 4_999, resetAt: noon + 90_400, blockedUntil: null },
};

const healthy: TestAppParts = {
  jobs: {
    countQueue: async () => [
      { groupId: 'a', pending: 2, triggered: 1, running: 0 },
      { groupId: 'b', pending: 3, triggered: 0, running: 4 },
    ],
  },
  ping: async () => 3.2,
  deps: { forgeStatus: () => [client, { ...client, use: 'dispatch' }] },
};

async function statusOf(parts: TestAppParts) {
  const { ask } = await openTestApp({ ...healthy, ...parts });
  return (await ask({ url: '/api/v1/status' })).json<Status>();
}

const withClient = (over: Partial<ForgeClient>): TestAppParts => ({
  deps: { forgeStatus: () => [{ ...client, ...over }] },
});

describe('the status', () => {
  it('tells of the database, both clients, the queue and the version (defect #23)', async () => {
    const github = {
      status: 'healthy',
      connected: true,
      rate_limit_remaining: 4_999,
      rate_limit_reset: '2026-01-01T12:01:30.400Z',
      reset_in: '1m30s',
    };
    expect(await statusOf({})).toEqual({
      status: 'healthy',
      timestamp: '2026-01-01T12:00:00.000Z',
      database: { status: 'healthy', latency: '3ms' },
      github: { runners: github, dispatch: github },
      queue: { pending_jobs: 5, triggered_jobs: 1, running_jobs: 4 },
      version: { version: '1.2.3', git_commit: 'abc1234', build_date: '2026-01-01' },
    });
  });

  it.each([
    [100, 'healthy', 'healthy'],
    [99, 'degraded', 'healthy'],
    [10, 'degraded', 'healthy'],
    [9, 'unhealthy', 'degraded'],
    [null, 'healthy', 'healthy'],
  ])(
    'with %s requests left calls the client %s and the whole %s',
    async (remaining, part, whole) => {
      const status = await statusOf(withClient({ rate: { ...client.rate, remaining } }));
      expect(status.github.runners?.status).toBe(part);
      expect(status.status).toBe(whole);
    },
  );

  it('says why a client is not connected, and that a token is missing', async () => {
    const bad = await statusOf(withClient({ isConnected: false, error: 'bad credentials' }));
    expect(bad).toMatchObject({
      status: 'degraded',
      github: { runners: { status: 'unhealthy', connected: false, error: 'bad credentials' } },
    });
    const none = await statusOf(withClient({ isConfigured: false, isConnected: false }));
    expect(none.github.runners).toMatchObject({
      status: 'unhealthy',
      error: 'no token is configured',
    });
  });

  it('never counts a reset below 0s', async () => {
    const rate = { ...client.rate, resetAt: noon - 5_000 };
    expect((await statusOf(withClient({ rate }))).github.runners?.reset_in).toBe('0s');
  });

  it('is answered though the database is not, without telling its error (defect #31)', async () => {
    const fail = async (): Promise<never> => {
      throw new Error('password authentication failed for user "dispatchoor"');
    };
    const status = await statusOf({ jobs: { countQueue: fail }, ping: fail });
    expect(status).toMatchObject({
      status: 'degraded',
      database: { status: 'unhealthy', error: 'the database does not answer' },
      queue: { pending_jobs: 0 },
    });
  });

  it('says what is wrong with the database in the words of the store', async () => {
    const status = await statusOf({
      ping: async () => {
        throw new StoreError('unavailable', 'database ./a.db: the disk is full');
      },
    });
    expect(status).toMatchObject({
      status: 'degraded',
      database: { status: 'unhealthy', error: 'database ./a.db: the disk is full' },
    });
  });

  it('waits 2 s for the database and no longer', async () => {
    const never = new Promise<never>(() => undefined);
    const { ask, clock } = await openTestApp({ ...healthy, ping: () => never });
    const reply = ask({ url: '/api/v1/status' });
    await clock.advance(2_000);
    expect((await reply).json()).toMatchObject({ database: { status: 'unhealthy' } });
  });
});

describe('health and readiness', () => {
  it('tell the login page which ways in there are', async () => {
    const { ask } = await openTestApp({ options: { isGithubAuthEnabled: true } });
    expect((await ask({ url: '/health', headers: {} })).json()).toEqual({
      status: 'ok',
      config: { auth: { basic: true, github: true } },
    });
  });

  it('are told apart: a server that cannot serve yet is alive and not ready', async () => {
    const { ask } = await openTestApp({
      ping: async () => {
        throw new Error('gone');
      },
      deps: { listUnready: () => ['shutting down'] },
    });
    expect((await ask({ url: '/health' })).statusCode).toBe(200);
    const reply = await ask({ url: '/ready', headers: {} });
    expect(reply.statusCode).toBe(503);
    expect(reply.json()).toEqual({
      status: 'not-ready',
      reasons: ['shutting down', 'the database does not answer, or cannot be written to'],
    });
  });

  it('are ready when the database answers and nothing stands in the way', async () => {
    const { ask } = await openTestApp();
    expect((await ask({ url: '/ready', headers: {} })).json()).toEqual({
      status: 'ready',
      reasons: [],
    });
  });
});
