import { describe, expect, it } from 'vitest';
import { argon2id } from '../../auth/passwords.ts';
import { hashSessionToken } from '../../auth/session-tokens.ts';
import { StoreError } from '../../store/port/store.ts';
import { adminToken, openTestApp, readonlyToken } from '../app.testkit.ts';
import { makeUser, noon } from '../store.testkit.ts';

const passwordHash = await argon2id.hash('right');

async function openLogin() {
  const sessions: { userId: string; tokenHash: string; expiresAt: number }[] = [];
  const test = await openTestApp({
    users: {
      findBasicUser: async (name) => (name === 'ada' ? { ...makeUser(), passwordHash } : undefined),
      createSession: async (session) => {
        sessions.push(session);
      },
    },
  });
  const login = (payload: object, headers: Record<string, string> = {}) =>
    test.app.inject({ method: 'POST', url: '/api/v1/auth/login', payload, headers });
  return { ...test, sessions, login };
}

describe('login', () => {
  it('reads no large body of somebody whom nobody knows', async () => {
    const { login } = await openLogin();
    const reply = await login({ username: 'ada', password: 'x'.repeat(16_384) });
    expect(reply.statusCode).toBe(413);
    expect(reply.json()).toMatchObject({ code: 'body-too-large' });
  });

  it('gives a token of 44 characters in body and cookie, of which only the hash is stored', async () => {
    const { login, sessions } = await openLogin();
    const reply = await login({ username: 'ada', password: 'right' });
    expect(reply.statusCode).toBe(200);
    const { token, user } = reply.json<{ token: string; user: object }>();
    expect(token).toMatch(/^[\w-]{43}=$/);
    expect(user).toEqual({
      id: 'user-1',
      username: 'ada',
      role: 'admin',
      auth_provider: 'basic',
      created_at: '2026-01-01T12:00:00.000Z',
      updated_at: '2026-01-01T12:00:00.000Z',
    });
    expect(sessions).toEqual([
      { userId: 'user-1', tokenHash: hashSessionToken(token), expiresAt: noon + 86_400_000 },
    ]);
    const cookie = String(reply.headers['set-cookie']);
    expect(cookie.split('; ').sort()).toEqual(
      [`session=${token}`, 'Path=/', 'Max-Age=86400', 'HttpOnly', 'SameSite=Lax'].sort(),
    );
  });

  it('makes the cookie Secure behind TLS', async () => {
    const { login } = await openLogin();
    const body = { username: 'ada', password: 'right' };
    const reply = await login(body, { 'x-forwarded-proto': 'https' });
    expect(String(reply.headers['set-cookie'])).toContain('; Secure');
  });

  it.each([
    [{ username: 'ada', password: 'wrong' }, 401],
    [{ username: 'bob', password: 'right' }, 401],
    [{ username: '', password: 'right' }, 400],
    [{ username: 'ada' }, 400],
    [{}, 400],
  ])('%j is %i as JSON', async (body, status) => {
    const { login, sessions } = await openLogin();
    const reply = await login(body);
    expect(reply.statusCode).toBe(status);
    expect(reply.json()).toHaveProperty('error');
    expect(reply.headers['set-cookie']).toBeUndefined();
    expect(sessions).toEqual([]);
  });

  it('with the database away is a 503, not a wrong password (defect #28)', async () => {
    const { app } = await openTestApp({
      users: {
        findBasicUser: async () => {
          throw new StoreError('unavailable', 'gone');
        },
      },
    });
    const payload = { username: 'ada', password: 'right' };
    const reply = await app.inject({ method: 'POST', url: '/api/v1/auth/login', payload });
    expect(reply.statusCode).toBe(503);
  });

  it('that failed too often from one address is a 429 with the seconds to wait', async () => {
    const { login, clock } = await openLogin();
    const wrong = { username: 'ada', password: 'wrong' };
    for (let i = 0; i < 10; i += 1) expect((await login(wrong)).statusCode).toBe(401);
    let answer: Awaited<ReturnType<typeof login>> | undefined;
    const late = login(wrong).then((reply) => {
      answer = reply;
    });
    await clock.advance(0);
    const whileItSleeps = clock.pendingTimers;
    // Its password is checked in a thread, whose time is the real one: on a slow machine the time for its answer would pass meanwhile.
    while (answer === undefined) {
      await clock.advance(clock.pendingTimers < whileItSleeps ? 0 : 100);
    }
    await late;
    expect(answer.statusCode).toBe(429);
    expect(answer.json()).toMatchObject({ code: 'too-many-failed-logins' });
    expect(answer.headers['retry-after']).toBe('1');
  });

  it('that comes with too many others is a 503 with the seconds to wait, and no line of the log is a warning', async () => {
    const checks = Promise.withResolvers<undefined>();
    const { app, clock, logged } = await openTestApp({
      users: { findBasicUser: () => checks.promise },
    });
    const login = (username: string) =>
      app.inject({
        ...{ method: 'POST', url: '/api/v1/auth/login' },
        payload: { username, password: 'x' },
      });
    const logins = Array.from({ length: 30 }, (_, i) => login(`user-${i}`));
    await clock.advance(2_000);
    const refused = await Promise.race(logins);
    expect(refused.statusCode).toBe(503);
    expect(refused.json()).toMatchObject({ code: 'logins-busy' });
    expect(refused.headers['retry-after']).toBe('5');
    checks.resolve(undefined);
    await Promise.all(logins);
    expect(logged()).not.toMatch(/"level":[4-6]0/);
  });

  it('leaves password and token out of the log', async () => {
    const { login, logged } = await openLogin();
    const reply = await login({ username: 'ada', password: 'right' });
    expect(logged()).toContain('/api/v1/auth/login');
    expect(logged()).not.toContain('right');
    expect(logged()).not.toContain(reply.json<{ token: string }>().token);
  });
});

describe('logout', () => {
  it('ends exactly the session that asked, not the one of the cookie (defect #27)', async () => {
    const ended: string[] = [];
    const { ask } = await openTestApp({
      users: {
        deleteSession: async (tokenHash) => {
          ended.push(tokenHash);
          return true;
        },
      },
    });
    const reply = await ask({
      method: 'POST',
      url: '/api/v1/auth/logout',
      headers: { authorization: `Bearer ${adminToken}`, cookie: `session=${readonlyToken}` },
    });
    expect(reply.statusCode).toBe(204);
    expect(String(reply.headers['set-cookie'])).toMatch(/^session=; Max-Age=0; Path=\/;/);
    expect(ended).toEqual([hashSessionToken(adminToken)]);
  });

  it('that could not be saved is no 204, and the cookie stays', async () => {
    const { ask } = await openTestApp({
      users: {
        deleteSession: async () => {
          throw new StoreError('unavailable', 'gone');
        },
      },
    });
    const reply = await ask({ method: 'POST', url: '/api/v1/auth/logout' });
    expect(reply.statusCode).toBe(503);
    expect(reply.json()).toMatchObject({ code: 'database-unavailable' });
    expect(reply.headers['set-cookie']).toBeUndefined();
  });
});

describe('me', () => {
  it('tells who is logged in, never with a password hash', async () => {
    const { ask } = await openTestApp();
    const reply = await ask({
      url: '/api/v1/auth/me',
      headers: { authorization: `Bearer ${readonlyToken}` },
    });
    expect(reply.json()).toMatchObject({ username: 'grace', role: 'readonly' });
    expect(reply.json()).not.toHaveProperty('github_id');
  });
});
