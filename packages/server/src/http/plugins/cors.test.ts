import { describe, expect, it } from 'vitest';
import { openTestApp } from '../app.testkit.ts';

const ui = 'https://ui.example.com';

async function askFrom(corsOrigins: string[], origin: string | undefined, method = 'GET') {
  const { app } = await openTestApp({ options: { corsOrigins } });
  const headers = origin === undefined ? {} : { origin };
  return app.inject({ method: method as 'GET', url: '/health', headers });
}

describe('cross-origin requests', () => {
  it('get their headers when their origin is listed', async () => {
    const { headers } = await askFrom([ui], ui);
    expect(headers['access-control-allow-origin']).toBe(ui);
    expect(headers['access-control-allow-methods']).toBe('GET, POST, PUT, DELETE, OPTIONS');
    expect(headers['access-control-allow-headers']).toContain('Content-Type, Authorization');
    expect(headers['access-control-allow-credentials']).toBe('true');
  });

  it('of other origins are served without them', async () => {
    const reply = await askFrom([ui], 'https://evil.example');
    expect(reply.statusCode).toBe(200);
    expect(reply.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('keep caches from giving one origin the reply to another (defect #28)', async () => {
    for (const origin of [ui, 'https://evil.example', undefined]) {
      expect((await askFrom([ui], origin)).headers.vary).toBe('Origin');
    }
  });

  it('of every origin are allowed by exactly one "*", not by one inside a list (defect #28)', async () => {
    const any = 'https://any.example';
    expect((await askFrom(['*'], any)).headers['access-control-allow-origin']).toBe(any);
    expect((await askFrom(['*', ui], any)).headers['access-control-allow-origin']).toBeUndefined();
  });

  it('may ask before: any OPTIONS is an empty 200, also where a session is needed', async () => {
    const { app } = await openTestApp({ options: { corsOrigins: [ui] } });
    for (const url of ['/health', '/api/v1/groups', '/api/v1/nope']) {
      const reply = await app.inject({ method: 'OPTIONS', url, headers: { origin: ui } });
      expect(reply.statusCode).toBe(200);
      expect(reply.body).toBe('');
      expect(reply.headers['access-control-allow-origin']).toBe(ui);
    }
  });

  it('are not known at all without configured origins', async () => {
    const reply = await askFrom([], ui);
    expect(reply.headers['access-control-allow-origin']).toBeUndefined();
    expect((await askFrom([], ui, 'OPTIONS')).statusCode).toBe(405);
  });

  it('can read why they were refused', async () => {
    const { app } = await openTestApp({ options: { corsOrigins: [ui] } });
    const reply = await app.inject({ url: '/api/v1/groups', headers: { origin: ui } });
    expect(reply.statusCode).toBe(401);
    expect(reply.headers['access-control-allow-origin']).toBe(ui);
  });
});
