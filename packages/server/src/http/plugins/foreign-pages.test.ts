import { describe, expect, it } from 'vitest';
import { argon2id } from '../../auth/passwords.ts';
import { adminToken, openTestApp } from '../app.testkit.ts';
import { makeGroup, makeUser } from '../store.testkit.ts';

const passwordHash = await argon2id.hash('right');
const HOST = 'ci.test:9090';
const cookie = `session=${adminToken}`;

interface Asked {
  readonly login: number;
  readonly act: number;
  readonly look: number;
}

async function openPages(corsOrigins: string[] = [], trustedProxies: string[] = []) {
  const test = await openTestApp({
    options: { corsOrigins, trustedProxies },
    users: {
      findBasicUser: async () => ({ ...makeUser(), passwordHash }),
      createSession: async () => undefined,
    },
    catalog: {
      setGroupPaused: async () => makeGroup(),
      listGroupsWithStats: async () => [],
    },
  });
  const login = (headers: Record<string, string>) =>
    test.app.inject({
      method: 'POST',
      url: '/api/v1/auth/login',
      payload: JSON.stringify({ username: 'ada', password: 'right' }),
      headers: { host: HOST, 'content-type': 'text/plain', ...headers },
    });
  const act = (headers: Record<string, string>, query = '') =>
    test.app.inject({
      method: 'POST',
      url: `/api/v1/groups/g1/pause${query}`,
      headers: { host: HOST, ...headers },
    });
  /** The statuses of what a page may want, with the cookie of its user. */
  const ask = async (headers: Record<string, string>): Promise<Asked> => {
    const look = { url: '/api/v1/groups', headers: { host: HOST, cookie, ...headers } };
    return {
      login: (await login(headers)).statusCode,
      act: (await act({ cookie, ...headers })).statusCode,
      look: (await test.app.inject(look)).statusCode,
    };
  };
  return { ...test, login, act, ask };
}

const all: Asked = { login: 200, act: 200, look: 200 };
/** Reading needs no guard: the browser keeps the answer from the page. */
const none: Asked = { login: 403, act: 403, look: 200 };
const origin = 'https://evil.example';

describe('a foreign page that posts text/plain', () => {
  it.each([
    ['from anywhere', { origin, 'sec-fetch-site': 'cross-site' }],
    ['of a neighbour', { origin: 'https://wiki.test:9090', 'sec-fetch-site': 'same-site' }],
    ['at another port', { origin: 'http://ci.test:8080' }],
    ['of an old browser', { origin }],
    ['in a sandbox', { origin: 'null' }],
  ])('%s logs nobody in and does nothing with a cookie', async (_what, headers) => {
    const { ask } = await openPages();
    expect(await ask(headers)).toEqual(none);
  });

  it('is told its Origin, the Host, and the key that would let it in', async () => {
    const { login, act } = await openPages();
    for (const reply of [await login({ origin }), await act({ origin, cookie })]) {
      const { error, code } = reply.json<{ error: string; code: string }>();
      expect(code).toBe('foreign-page');
      for (const name of [origin, HOST, 'server.cors_origins']) expect(error).toContain(name);
    }
  });

  it('is a warning once, with the same words', async () => {
    const { login, logged } = await openPages();
    for (let i = 0; i < 3; i += 1) await login({ origin });
    const warnings = logged()
      .split('\n')
      .filter((line) => line.includes('foreign page refused') && line.includes('"level":40'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(origin);
    expect(warnings[0]).toContain('server.cors_origins');
  });

  it('may do all of it once its origin is configured', async () => {
    const { ask } = await openPages([origin]);
    expect(await ask({ origin, 'sec-fetch-site': 'cross-site' })).toEqual(all);
    expect(await ask({ origin })).toEqual(all);
  });
});

describe('everybody else', () => {
  it.each([
    ['a program', {}],
    ['a page of this host', { origin: `http://${HOST}` }],
    ['a page, by its browser', { origin: 'http://ci.test:3000', 'sec-fetch-site': 'same-origin' }],
    ['a person', { 'sec-fetch-site': 'none' }],
    [
      'a page behind a proxy that drops the port',
      { host: 'ci.test', origin: 'http://ci.test:3000' },
    ],
  ])('%s may log in and act with a cookie', async (_what, headers) => {
    const { ask } = await openPages();
    expect(await ask(headers)).toEqual(all);
  });

  it('is asked for no page where a header or the URL has the token: no browser adds those', async () => {
    const { act } = await openPages();
    const foreign = { origin, 'sec-fetch-site': 'cross-site' };
    const bearer = { ...foreign, authorization: `Bearer ${adminToken}` };
    expect((await act(bearer)).statusCode).toBe(200);
    expect((await act({ ...bearer, cookie: 'session=other' })).statusCode).toBe(200);
    expect((await act(foreign, `?token=${adminToken}`)).statusCode).toBe(200);
    // Where both are there, the cookie decides.
    expect((await act({ ...foreign, cookie }, `?token=${adminToken}`)).statusCode).toBe(403);
  });

  it('may name the host as a trusted proxy was asked for it', async () => {
    const headers = {
      ...{ host: '10.0.0.7:9090', 'x-forwarded-host': 'ci.test' },
      origin: 'https://ci.test',
    };
    const trusting = await openPages([], ['127.0.0.1']);
    expect(await trusting.ask(headers)).toEqual(all);
    const other = await openPages();
    expect(await other.ask(headers)).toEqual(none);
  });
});
