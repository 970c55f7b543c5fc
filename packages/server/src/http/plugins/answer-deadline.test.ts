import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { adminToken, openTestApp } from '../app.testkit.ts';
import { makeJob, makeTemplate } from '../store.testkit.ts';

describe('a request that nothing is answered to', () => {
  it.each([
    ['without a body', { url: '/api/v1/jobs/job-1' }],
    ['with one', { method: 'POST', url: '/api/v1/groups/g/queue', payload: { template_id: 't' } }],
  ] as const)('is given up after a minute, %s', async (_name, request) => {
    const asked = Promise.withResolvers<true>();
    const never = Promise.withResolvers<never>();
    const hang = (): Promise<never> => {
      asked.resolve(true);
      return never.promise;
    };
    const { ask, clock } = await openTestApp({
      jobs: { findJob: hang, enqueue: hang },
      catalog: { findTemplate: async () => makeTemplate() },
    });
    const answer = ask(request);
    await asked.promise;
    await clock.advance(60_000);
    const { statusCode, body } = await answer;
    expect(statusCode).toBe(504);
    expect(JSON.parse(body)).toMatchObject({ code: 'timeout' });
  });

  it.each([
    [
      'after a minute',
      60_000,
      'PUT /api/v1/groups/g/queue/reorder',
      `authorization: Bearer ${adminToken}\r\n`,
    ],
    ['after 10 s if it is a login, which anybody may send', 10_000, 'POST /api/v1/auth/login', ''],
  ])(
    'gets a 408 when it has not come to its own end, and no warning is logged: %s',
    async (_, ms, line, header) => {
      const { app, clock, logged } = await openTestApp();
      const origin = await app.listen({ host: '127.0.0.1', port: 0 });
      const idleTimers = clock.pendingTimers;
      const socket = connect(Number(new URL(origin).port), '127.0.0.1');
      socket.write(`${line} HTTP/1.1\r\nhost: x\r\n${header}content-length: 50\r\n\r\n{`);
      while (clock.pendingTimers === idleTimers) await new Promise((r) => setImmediate(r));
      await clock.advance(ms);
      const [reply] = (await once(socket, 'data')) as [Buffer];
      expect(reply.toString()).toMatch(/^HTTP\/1\.1 408 [^]*body-too-slow/);
      await once(socket, 'close');
      await app.close();
      expect(logged()).not.toContain('"level":40');
    },
  );

  const endings = [
    ['an answer', () => Promise.resolve(makeJob())],
    ['a failure', () => Promise.reject(new Error('too late'))],
  ] as const;
  const routes = [
    ['reading', { url: '/api/v1/jobs/job-1' }],
    ['writing', { method: 'DELETE', url: '/api/v1/jobs/job-1' }],
    ['logging out', { method: 'POST', url: '/api/v1/auth/logout' }],
    [
      'logging in',
      { method: 'POST', url: '/api/v1/auth/login', payload: { username: 'a', password: 'b' } },
    ],
  ] as const;
  const cases = routes.flatMap((route) => endings.map((ending) => [...route, ...ending] as const));

  it.each(cases)(
    'is answered once, and logs no failure: %s (%j), then %s',
    async (...[, request, , end]) => {
      const asked = Promise.withResolvers<true>();
      const late = Promise.withResolvers<never>();
      const hang = (): Promise<never> => {
        asked.resolve(true);
        return late.promise;
      };
      const { ask, clock, logged } = await openTestApp({
        jobs: { findJob: hang, deleteJob: hang },
        users: { findBasicUser: hang, deleteSession: hang },
      });
      const answer = ask(request);
      await asked.promise;
      await clock.advance(60_000);
      expect((await answer).statusCode).toBe(504);
      late.resolve(end() as Promise<never>);
      await clock.advance(10_000);
      expect(logged()).not.toMatch(/"stack"|"level":[56]0/);
    },
  );

  it('whose session is found too late is answered once, too', async () => {
    const asked = Promise.withResolvers<true>();
    const late = Promise.withResolvers<undefined>();
    const { ask, clock, logged } = await openTestApp({
      users: {
        findSession: () => {
          asked.resolve(true);
          return late.promise;
        },
      },
    });
    const answer = ask({ url: '/api/v1/jobs/job-1' });
    await asked.promise;
    await clock.advance(60_000);
    expect((await answer).statusCode).toBe(504);
    late.resolve(undefined);
    await clock.advance(1);
    expect(logged()).not.toMatch(/"stack"|"level":[56]0/);
  });
});
