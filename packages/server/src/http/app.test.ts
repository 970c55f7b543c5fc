import { describe, expect, it } from 'vitest';
import { StoreError } from '../store/port/store.ts';
import { adminToken, openTestApp, readonlyToken } from './app.testkit.ts';
import { makeGroup, makeJob } from './store.testkit.ts';

const json = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };

describe('unknown routes and methods', () => {
  it.each(['/nope', '/api/v1/nope', '/api/v1/groups/', '/api/v1/groups//queue'])(
    'answers %s with a 404 in plain text, without asking who it is',
    async (url) => {
      const { ask } = await openTestApp();
      const reply = await ask({ url, headers: {} });
      expect(reply.statusCode).toBe(404);
      expect(reply.headers['content-type']).toMatch(/^text\/plain/);
      expect(reply.headers['x-content-type-options']).toBe('nosniff');
    },
  );

  it('answers a wrong method with an empty 405 that says which are right', async () => {
    const { ask } = await openTestApp();
    const reply = await ask({ method: 'PUT', url: '/api/v1/jobs/some-job', headers: {} });
    expect(reply.statusCode).toBe(405);
    expect(reply.headers.allow).toBe('GET, DELETE');
    expect(reply.body).toBe('');
  });

  it('does not map HEAD to GET, but for health', async () => {
    const { ask } = await openTestApp();
    expect((await ask({ method: 'HEAD', url: '/api/v1/groups' })).statusCode).toBe(405);
    expect((await ask({ method: 'HEAD', url: '/health' })).statusCode).toBe(200);
  });

  it('answers a path that is not well encoded with a 400', async () => {
    const { ask } = await openTestApp();
    const reply = await ask({ url: '/api/v1/groups/%zz' });
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toHaveProperty('error');
  });

  it('refuses U+0000 in an id before it reaches a database that cannot hold it', async () => {
    const { ask } = await openTestApp();
    expect((await ask({ url: '/api/v1/groups/a%00b' })).statusCode).toBe(400);
  });

  it('takes an id as long as anybody writes, decoded', async () => {
    const id = `${'x'.repeat(300)} é`;
    const { ask } = await openTestApp({
      catalog: { findGroup: async (wanted) => makeGroup({ id: wanted }) },
    });
    const reply = await ask({ url: `/api/v1/groups/${encodeURIComponent(id)}` });
    expect(reply.json()).toMatchObject({ id });
  });
});

describe('who may ask', () => {
  it('answers 401 as text where there is no session', async () => {
    const { ask } = await openTestApp();
    const reply = await ask({ url: '/api/v1/groups', headers: {} });
    expect(reply.statusCode).toBe(401);
    expect(reply.body).toBe('Unauthorized\n');
    expect(reply.headers['content-type']).toMatch(/^text\/plain/);
    expect(reply.headers['x-content-type-options']).toBe('nosniff');
  });

  it('answers 403 as text where the role does not do', async () => {
    const { ask } = await openTestApp();
    const reply = await ask({
      method: 'POST',
      url: '/api/v1/groups/g1/pause',
      headers: { authorization: `Bearer ${readonlyToken}` },
    });
    expect(reply.statusCode).toBe(403);
    expect(reply.body).toBe('Forbidden\n');
  });

  it.each([
    ['POST', '/api/v1/groups/g1/pause'],
    ['POST', '/api/v1/groups/g1/unpause'],
    ['POST', '/api/v1/groups/g1/queue'],
    ['DELETE', '/api/v1/jobs/j1'],
    ['POST', '/api/v1/jobs/j1/cancel'],
    ['POST', '/api/v1/jobs/j1/pause'],
    ['POST', '/api/v1/jobs/j1/unpause'],
  ] as const)('lets nobody but an admin %s %s', async (method, url) => {
    const { ask } = await openTestApp();
    const asReadonly = { authorization: `Bearer ${readonlyToken}` };
    expect((await ask({ method, url, headers: asReadonly })).statusCode).toBe(403);
    expect((await ask({ method, url, headers: {} })).statusCode).toBe(401);
  });

  it.each([
    '/api/v1/auth/me',
    '/api/v1/groups',
    '/api/v1/groups/g1',
    '/api/v1/groups/g1/templates',
    '/api/v1/templates/t1',
    '/api/v1/groups/g1/queue',
    '/api/v1/groups/g1/history',
    '/api/v1/jobs/j1',
    '/api/v1/jobs/j1/why',
    '/api/v1/groups/g1/runners',
    '/api/v1/runners',
    '/api/v1/status',
  ])('lets nobody without a session GET %s', async (url) => {
    const { ask } = await openTestApp();
    expect((await ask({ url, headers: {} })).statusCode).toBe(401);
  });

  it('takes the token from header, raw header, cookie and query, in this order', async () => {
    const { ask } = await openTestApp();
    const me = async (headers: Record<string, string>, query = ''): Promise<unknown> => {
      const reply = await ask({ url: `/api/v1/auth/me${query}`, headers });
      return reply.statusCode === 200
        ? reply.json<{ username: string }>().username
        : reply.statusCode;
    };
    const cookie = `session=${readonlyToken}`;
    expect(await me({ authorization: `Bearer ${adminToken}`, cookie })).toBe('ada');
    expect(await me({ authorization: adminToken, cookie })).toBe('ada');
    expect(await me({ cookie }, `?token=${adminToken}`)).toBe('grace');
    expect(await me({}, `?token=${adminToken}&token=${readonlyToken}`)).toBe('ada');
    // The prefix is case-sensitive, and the first source decides even when it is wrong.
    expect(await me({ authorization: `bearer ${adminToken}`, cookie })).toBe(401);
    // Of another scheme it is none of ours: a proxy passes its own login on.
    expect(await me({ authorization: 'Basic YWRhOmE=', cookie })).toBe('grace');
    expect(await me({ authorization: 'Basic YWRhOmE=' })).toBe(401);
  });

  it('does not take a session whose time is over', async () => {
    const { ask, clock } = await openTestApp();
    clock.step(3_600_000);
    expect((await ask({ url: '/api/v1/auth/me' })).statusCode).toBe(401);
  });
});

describe('a database that is away', () => {
  const away = async () => {
    throw new StoreError('unavailable', 'connect ECONNREFUSED 10.0.0.7:5432');
  };

  it('is a 503, never the 401 that logs users out (defect #28)', async () => {
    const { ask } = await openTestApp({ users: { findSession: away } });
    const reply = await ask({ url: '/api/v1/groups' });
    expect(reply.statusCode).toBe(503);
    expect(reply.json()).toMatchObject({ code: 'database-unavailable' });
    expect(reply.headers['retry-after']).toBeDefined();
  });

  it('tells the log what went wrong and the client nothing of it (defect #31)', async () => {
    const { ask, logged } = await openTestApp({ catalog: { listGroupsWithStats: away } });
    const reply = await ask({ url: '/api/v1/groups' });
    expect(reply.statusCode).toBe(503);
    expect(reply.body).not.toContain('10.0.0.7');
    expect(logged()).toContain('10.0.0.7');
  });

  it('answers what nobody foresaw with a bare 500 and the id to look for in the log (defect #31)', async () => {
    const { ask, logged } = await openTestApp({
      catalog: {
        listGroupsWithStats: async () => {
          throw new Error('no such column: secret_column');
        },
      },
    });
    const reply = await ask({
      url: '/api/v1/groups',
      headers: { ...json, 'x-request-id': 'req-77' },
    });
    expect(reply.statusCode).toBe(500);
    expect(reply.json()).toEqual({
      error: 'internal error',
      code: 'internal',
      request_id: 'req-77',
    });
    const line = logged()
      .split('\n')
      .find((text) => text.includes('secret_column'));
    expect(line).toContain('"requestId":"req-77"');
  });

  it('refuses to show a row that is not what the contract says, instead of showing it', async () => {
    const { ask } = await openTestApp({
      jobs: { findJob: async () => makeJob({ createdBy: undefined as unknown as string }) },
    });
    expect((await ask({ url: '/api/v1/jobs/j1' })).statusCode).toBe(500);
  });
});

describe('what is logged', () => {
  it('names the route and never the URL, so that no token in a query gets there (defect #27)', async () => {
    const { ask, logged } = await openTestApp();
    await ask({ url: `/api/v1/jobs/j1/nope?token=${adminToken}`, headers: {} });
    await ask({ url: `/api/v1/auth/me?token=${adminToken}`, headers: {} });
    expect(logged()).not.toContain(adminToken);
    expect(logged()).toContain('"path":"/api/v1/auth/me"');
    expect(logged()).toContain('"path":"unmatched"');
  });

  it.each([
    '/api/v1/ws%3Ftoken=',
    '/api/v1/ws%3ftoken%3d',
    '/api/v1/ws%253Ftoken%253D',
    '/api/v1/ws;token=',
    '/api/v1/ws/token=',
    '/api/v1/ws&x=',
    '/api/v1/ws%zz?token=',
    '/api/v1/jobs/%zz%3Ftoken=',
    `/api/v1/jobs/${'x'.repeat(1_100)}?token=`,
  ])('shows no token of a mistyped URL, and the reply neither (%#)', async (url) => {
    const { ask, logged } = await openTestApp();
    const { body, statusCode } = await ask({ url: `${url}${adminToken}`, headers: {} });
    expect(statusCode).toBeGreaterThanOrEqual(400);
    expect(body).not.toContain(adminToken);
    expect(logged()).not.toContain(adminToken);
  });

  it('keeps a request id that is fit for a log, and makes one otherwise', async () => {
    const { ask } = await openTestApp();
    const idOf = async (given: string) =>
      (await ask({ url: '/health', headers: { 'x-request-id': given } })).headers['x-request-id'];
    expect(await idOf('abc-123')).toBe('abc-123');
    expect(await idOf('two words')).toMatch(/^[\da-f-]{36}$/);
    expect(await idOf('x'.repeat(129))).toMatch(/^[\da-f-]{36}$/);
  });
});

describe('headers', () => {
  it('allow a browser to do nothing with a reply but read it', async () => {
    const { ask } = await openTestApp();
    const { headers } = await ask({ url: '/health' });
    expect(headers['content-security-policy']).toBe(
      "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    );
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['strict-transport-security']).toBeUndefined();
  });
});
