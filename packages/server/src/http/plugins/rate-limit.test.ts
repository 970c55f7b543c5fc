import { describe, expect, it } from 'vitest';
import { adminToken, openTestApp } from '../app.testkit.ts';
import { makeUser } from '../store.testkit.ts';

const rateLimit = {
  isEnabled: true,
  authPerMinute: 2,
  publicPerMinute: 3,
  authenticatedPerMinute: 4,
};

type Parts = { trustedProxies?: string[]; isEnabled?: boolean };

async function openLimited({ trustedProxies = [], isEnabled = true }: Parts = {}) {
  const test = await openTestApp({
    options: { rateLimit: { ...rateLimit, isEnabled }, trustedProxies },
  });
  const authorization = `Bearer ${adminToken}`;
  const statusOf = async (url: string, over: object = {}): Promise<number> =>
    (await test.app.inject({ url, headers: { authorization }, ...over })).statusCode;
  return { ...test, statusOf };
}

async function repeat<T>(times: number, ask: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let i = 0; i < times; i += 1) all.push(await ask());
  return all;
}

describe('rate limits', () => {
  it('answer 429 with Retry-After once a minute’s worth is used up', async () => {
    const { app, statusOf } = await openLimited();
    expect(await repeat(3, () => statusOf('/health'))).toEqual([200, 200, 200]);
    const reply = await app.inject({ url: '/health' });
    expect(reply.statusCode).toBe(429);
    expect(reply.headers['retry-after']).toBe('60');
    expect(reply.json()).toMatchObject({ error: 'rate limit exceeded' });
  });

  it('refill evenly', async () => {
    const { clock, statusOf } = await openLimited();
    await repeat(3, () => statusOf('/health'));
    await clock.advance(20_000);
    expect(await repeat(2, () => statusOf('/health'))).toEqual([200, 429]);
  });

  it('of one kind do not draw on another', async () => {
    const { statusOf } = await openLimited();
    await repeat(4, () => statusOf('/health'));
    expect(await statusOf('/api/v1/auth/me')).toBe(200);
    expect(await statusOf('/metrics')).toBe(429);
  });

  it('count an address whatever its port (defect #8)', async () => {
    const { statusOf } = await openLimited();
    const from = (remotePort: number) => ({
      remoteAddress: '192.0.2.1',
      headers: { 'x-real-port': String(remotePort) },
    });
    const statuses = [];
    for (const port of [1, 2, 3, 4]) statuses.push(await statusOf('/health', from(port)));
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect(await statusOf('/health', { remoteAddress: '192.0.2.2' })).toBe(200);
  });

  it('do not believe a header that says who asks (defect #8)', async () => {
    const { statusOf } = await openLimited();
    const statuses = [];
    for (const ip of ['1.1.1.1', '2.2.2.2', '3.3.3.3', '4.4.4.4']) {
      const headers = { 'x-forwarded-for': ip, 'x-real-ip': ip, 'true-client-ip': ip };
      statuses.push(await statusOf('/health', { headers }));
    }
    expect(statuses).toEqual([200, 200, 200, 429]);
  });

  it('believe X-Forwarded-For of a configured proxy, up to the first hop that is none (defect #8)', async () => {
    const { statusOf } = await openLimited({ trustedProxies: ['10.0.0.0/8'] });
    const via = (forwarded: string) => ({
      remoteAddress: '10.1.2.3',
      headers: { 'x-forwarded-for': forwarded },
    });
    // What the client writes itself stands before its own address, and changes nothing.
    const statuses = [];
    for (const lie of ['1.1.1.1', '2.2.2.2', '3.3.3.3', '4.4.4.4']) {
      statuses.push(await statusOf('/health', via(`${lie}, 192.0.2.9, 10.0.0.1`)));
    }
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect(await statusOf('/health', via('192.0.2.10'))).toBe(200);
  });

  it('count requests with a wrong token too, before the database is asked (defect #8)', async () => {
    const { statusOf } = await openLimited();
    const wrong = { headers: { authorization: 'Bearer guess' } };
    expect(await repeat(5, () => statusOf('/api/v1/auth/me', wrong))).toEqual([
      401, 401, 401, 401, 429,
    ]);
  });

  it('bound how fast passwords can be tried', async () => {
    const { app } = await openTestApp({
      options: { rateLimit },
      users: { findBasicUser: async () => ({ ...makeUser(), passwordHash: 'none' }) },
    });
    const payload = { username: 'ada', password: 'guess' };
    const tries = await repeat(3, () =>
      app.inject({ method: 'POST', url: '/api/v1/auth/login', payload }),
    );
    expect(tries.map(({ statusCode }) => statusCode)).toEqual([401, 401, 429]);
  });

  it('are off unless configured', async () => {
    const { statusOf } = await openLimited({ isEnabled: false });
    expect(new Set(await repeat(10, () => statusOf('/health')))).toEqual(new Set([200]));
  });
});
