import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { makeWebhookVerifier } from '../../forge/github/webhook-verifier.ts';
import { Secret } from '../../lib/secret.ts';
import type { NewDelivery } from '../../store/port/webhooks.ts';
import { openTestApp } from '../app.testkit.ts';

const SECRET = 'secret of the hook';
const URL_OF_DOOR = '/webhook/github/github';

const payload = JSON.stringify({
  workflow_job: {
    ...{ id: 7, run_id: 1, run_attempt: 1, name: 'build', status: 'in_progress', labels: [] },
    ...{ runner_id: 3, runner_name: 'r', started_at: '2026-01-01T11:59:00Z' },
  },
  repository: { name: 'app', owner: { login: 'acme' } },
});

async function open(secret = SECRET) {
  const added: NewDelivery[] = [];
  const known = new Set<string>();
  const verifier = makeWebhookVerifier({
    secret: new Secret(secret),
    receipt: () => ({ at: 0, uncertaintyMs: 0 }),
  });
  const opened = await openTestApp({
    webhooks: {
      servesRepo: async (_forgeId, owner) => owner === 'acme',
      add: async (delivery) => {
        if (known.has(delivery.id)) return false;
        known.add(delivery.id);
        added.push(delivery);
        return true;
      },
    },
    deps: { webhookVerifiers: new Map([['github', verifier]]) },
  });
  return { ...opened, added };
}

function signed(body: string, headers: Readonly<Record<string, string>> = {}) {
  return {
    'content-type': 'application/json',
    'x-hub-signature-256': `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`,
    'x-github-event': 'workflow_job',
    'x-github-delivery': 'guid-1',
    ...headers,
  };
}

describe('the webhook verifier', () => {
  it('takes a signed delivery without a session, and the same one only once', async () => {
    const { app, ask, added } = await open();
    const request = {
      method: 'POST',
      url: URL_OF_DOOR,
      payload,
      headers: signed(payload),
    } as const;
    expect((await app.inject(request)).statusCode).toBe(202);
    expect((await app.inject(request)).statusCode).toBe(202);
    expect(added).toMatchObject([{ forgeId: 'github', id: 'guid-1', event: 'workflow_job' }]);
    const { body } = await ask({ url: '/metrics' });
    expect(body).toContain('webhooks_total{event="workflow_job",outcome="accepted"} 1');
    expect(body).toContain('webhooks_total{event="workflow_job",outcome="duplicate"} 1');
  });

  it('takes a form, whose signature is that of its raw bytes', async () => {
    const { app, added } = await open();
    const form = new URLSearchParams({ payload }).toString();
    const headers = signed(form, { 'content-type': 'application/x-www-form-urlencoded' });
    const reply = await app.inject({ method: 'POST', url: URL_OF_DOOR, payload: form, headers });
    expect(reply.statusCode).toBe(202);
    expect(added).toHaveLength(1);
  });

  it('ignores what is nothing to us, and answers a ping', async () => {
    const { app, added } = await open();
    for (const event of ['push', 'ping']) {
      const headers = signed('{}', { 'x-github-event': event });
      const reply = await app.inject({ method: 'POST', url: URL_OF_DOOR, payload: '{}', headers });
      expect(reply.statusCode).toBe(202);
    }
    expect(added).toEqual([]);
  });

  it('keeps nothing of a repository that we do not serve, however much of it comes', async () => {
    const { app, ask, added, logged } = await open();
    const foreign = payload.replace('acme', 'stranger');
    for (let i = 0; i < 20; i += 1) {
      const headers = signed(foreign, { 'x-github-delivery': `guid-${i}` });
      const reply = await app.inject({
        ...{ method: 'POST', url: URL_OF_DOOR, payload: foreign, headers },
      });
      expect(reply.statusCode).toBe(202);
    }
    expect(added).toEqual([]);
    const { body } = await ask({ url: '/metrics' });
    expect(body).toContain('webhooks_total{event="workflow_job",outcome="ignored"} 20');
    expect(logged()).not.toMatch(/"level":(40|50)/);
  });

  it('keeps no delivery of which more is read than any run has', async () => {
    const { app, added, logged } = await open();
    const labels = JSON.stringify(Array.from({ length: 100 }, () => 'x'.repeat(1_000)));
    const large = payload.replace('"labels":[]', `"labels":${labels}`);
    const headers = signed(large);
    const reply = await app.inject({ method: 'POST', url: URL_OF_DOOR, payload: large, headers });
    expect(reply.statusCode).toBe(413);
    expect(reply.json()).toMatchObject({ code: 'body-too-large' });
    expect(logged()).toContain('guid-1');
    expect(added).toEqual([]);
  });

  it('counts under no name that only the sender vouches for', async () => {
    const { app, ask, added } = await open();
    for (const event of ['made_up_1', 'made_up_2', 'constructor', '__proto__']) {
      const headers = signed(payload, { 'x-github-event': event });
      const reply = await app.inject({ method: 'POST', url: URL_OF_DOOR, payload, headers });
      expect(reply.statusCode).toBe(202);
    }
    const { body } = await ask({ url: '/metrics' });
    expect(body).toContain('webhooks_total{event="other",outcome="ignored"} 4');
    expect(body).not.toContain('made_up');
    expect(added).toEqual([]);
  });

  it('gives a body up that comes too slowly, without a word beyond the line of the request', async () => {
    const { app, clock, logged } = await open();
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    const idleTimers = clock.pendingTimers;
    const headers = { ...signed('x'), 'content-length': '100' };
    const sent = send({ host: '127.0.0.1', port, path: URL_OF_DOOR, method: 'POST', headers });
    sent.write('{');
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
    // That of its answer, and that of its body.
    while (clock.pendingTimers < idleTimers + 2) await new Promise((r) => setImmediate(r));
    await clock.advance(10_000);
    const [reply] = await answered;
    expect(reply.statusCode).toBe(408);
    reply.resume();
    await once(reply, 'close');
    await app.close();
    expect(logged()).toContain('"status":408');
    expect(logged()).not.toMatch(/"level":(40|50)|stack/);
  });

  it.each([
    ['JSON', (json: string) => json, 'application/json'],
    [
      'form',
      (json: string) => new URLSearchParams({ payload: json }).toString(),
      'application/x-www-form-urlencoded',
    ],
  ])('reads %s that is nested a million deep, and leaves it', async (_what, encode, type) => {
    const { app, added } = await open();
    const deep = payload.replace('{', `{"deep":${'['.repeat(1e6)}${']'.repeat(1e6)},`);
    const body = encode(deep);
    const headers = signed(body, { 'content-type': type });
    const reply = await app.inject({ method: 'POST', url: URL_OF_DOOR, payload: body, headers });
    expect(reply.statusCode).toBe(202);
    expect(added).toHaveLength(1);
  });

  it.each([
    ['without a signature', { 'x-hub-signature-256': '' }, 401],
    ['with another signature', { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }, 401],
    ['without an event', { 'x-github-event': '' }, 400],
    ['without an id', { 'x-github-delivery': '' }, 400],
  ])('refuses a delivery %s', async (_what, headers, status) => {
    const { app, added } = await open();
    const all = signed(payload, headers);
    const reply = await app.inject({ method: 'POST', url: URL_OF_DOOR, payload, headers: all });
    expect(reply.statusCode).toBe(status);
    expect(added).toEqual([]);
  });

  it('refuses bytes that were altered on their way', async () => {
    const { app, added } = await open();
    const altered = payload.replace('acme', 'evil');
    const headers = signed(payload);
    const reply = await app.inject({ method: 'POST', url: URL_OF_DOOR, payload: altered, headers });
    expect(reply.statusCode).toBe(401);
    expect(added).toEqual([]);
  });

  it('tells the sender which field it cannot read, and the log nothing of the body', async () => {
    const { app, logged } = await open();
    const broken = payload.replace('"run_id":1', '"run_id":"confidential"');
    const headers = signed(broken);
    const reply = await app.inject({ method: 'POST', url: URL_OF_DOOR, payload: broken, headers });
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toMatchObject({
      error: expect.stringContaining('workflow_job.run_id') as string,
    });
    expect(logged()).toContain('guid-1');
    expect(logged()).not.toContain('confidential');
  });

  it('is closed without a secret, and says which key opens it', async () => {
    const { app } = await open('');
    const reply = await app.inject({
      ...{ method: 'POST', url: URL_OF_DOOR, payload, headers: signed(payload) },
    });
    expect(reply.statusCode).toBe(404);
    expect(reply.json()).toMatchObject({
      error: expect.stringContaining('github.webhook_secret') as string,
    });
  });

  it('knows no other forge', async () => {
    const { app } = await open();
    const url = '/webhook/github/other';
    expect((await app.inject({ method: 'POST', url, payload: '{}' })).statusCode).toBe(404);
  });
});

describe('a large body', () => {
  const MIB = 1024 * 1024;

  async function statusOf(length: number, bytes: number, isChunked: boolean): Promise<number> {
    const { app } = await open();
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    const lengthHeader = isChunked ? {} : { 'content-length': String(length) };
    return new Promise((resolve, reject) => {
      const headers = { ...signed('x'), ...lengthHeader };
      const sent = send({ host: '127.0.0.1', port, path: URL_OF_DOOR, method: 'POST', headers });
      let isAnswered = false;
      sent.on('response', (reply) => {
        isAnswered = true;
        reply.resume();
        resolve(reply.statusCode ?? 0);
        sent.destroy();
      });
      sent.on('error', (error) => {
        // The server has closed the connection after its answer.
        if (!isAnswered) reject(error);
      });
      sent.write(Buffer.alloc(bytes));
      if (isChunked) sent.end();
    });
  }

  it('above 25 MiB is refused by its length, before it is read', async () => {
    expect(await statusOf(25 * MIB + 1, 1, false)).toBe(413);
  });

  it('is read up to 25 MiB: what is wrong with it then is its signature', async () => {
    expect(await statusOf(25 * MIB, 25 * MIB, false)).toBe(401);
  });
});
