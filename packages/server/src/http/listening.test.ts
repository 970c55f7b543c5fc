import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { StoreError } from '../store/port/store.ts';
import { adminToken, openTestApp, type TestAppParts } from './app.testkit.ts';
import { makeJob } from './store.testkit.ts';

const headers = { authorization: `Bearer ${adminToken}` };

async function listen(parts: TestAppParts = {}) {
  const { app } = await openTestApp(parts);
  return { app, origin: await app.listen({ host: '127.0.0.1', port: 0 }) };
}

const pageOf = (from: number) => ({
  jobs: Array.from({ length: 500 }, (_, i) => makeJob({ id: `job-${from + i}` })),
  nextCursor: String(from + 500),
});

describe('a listening server', () => {
  it('cannot take a port that is in use, and says so (defect #21)', async () => {
    const { origin } = await listen();
    const port = Number(new URL(origin).port);
    const other = await openTestApp();
    await expect(other.app.listen({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });

  it('gives up on requests that do not come to an end', async () => {
    const { app } = await listen();
    expect(app.server.headersTimeout).toBe(10_000);
    expect(app.server.requestTimeout).toBe(60_000);
  });

  it.each([
    ['no HTTP at all', 'what is this\r\n\r\n', 400, 'invalid-http'],
    ['a method that nobody knows', 'FETCH / HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'invalid-http'],
    [
      'headers of 20 kB',
      `GET /health HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers-too-large',
    ],
    ['no Host', 'GET /health HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'invalid-http'],
  ])(
    'answers %s with a code and an X-Request-Id, like every error',
    async (_what, sent, status, code) => {
      const { origin } = await listen();
      const socket = connect(Number(new URL(origin).port), '127.0.0.1');
      socket.write(sent);
      const pieces: Buffer[] = [];
      socket.on('data', (piece: Buffer) => pieces.push(piece));
      await once(socket, 'close');
      const [head = '', body = ''] = Buffer.concat(pieces).toString().split('\r\n\r\n');
      expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(head).toMatch(/^x-request-id: [\w-]{36}$/im);
      expect(JSON.parse(body)).toMatchObject({ code, error: expect.any(String) as string });
    },
  );

  it('reads a body that comes in pieces without saying its length or type', async () => {
    const { origin } = await listen({
      jobs: { enqueue: async () => ({ job: makeJob(), isReplay: false }) },
    });
    const { port } = new URL(origin);
    const socket = connect(Number(port), '127.0.0.1');
    const body = '{"owner":"a","repo":"b","workflow_id":"c","ref":"d"}';
    socket.write(
      `POST /api/v1/groups/g1/queue HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${adminToken}\r\n` +
        `transfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    );
    const [reply] = (await once(socket, 'data')) as [Buffer];
    expect(reply.toString()).toMatch(/^HTTP\/1\.1 201 /);
    socket.destroy();
  });

  it('does not wait for the clients of requests that were under way when it was stopped', async () => {
    const asked = Promise.withResolvers<undefined>();
    const answer = Promise.withResolvers<undefined>();
    const { app, origin } = await listen({
      jobs: {
        enqueue: async () => {
          asked.resolve(undefined);
          await answer.promise;
          return { job: makeJob(), isReplay: false };
        },
      },
    });
    const socket = connect(Number(new URL(origin).port), '127.0.0.1');
    const body = '{"owner":"a","repo":"b","workflow_id":"c","ref":"d"}';
    socket.write(
      `POST /api/v1/groups/g1/queue HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${adminToken}\r\n` +
        `content-length: ${body.length}\r\n\r\n${body}`,
    );
    await asked.promise;
    const replied = once(socket, 'data');
    const closed = app.close();
    while (app.server.listening) await new Promise((resolve) => setImmediate(resolve));
    answer.resolve(undefined);
    const [reply] = (await replied) as [Buffer];
    expect(reply.toString()).toMatch(/^HTTP\/1\.1 201 [^]*connection: close/i);
    await closed;
    socket.destroy();
  });

  it('breaks a streamed queue off when the database goes away, so that nobody takes a part for the whole', async () => {
    const { origin } = await listen({
      jobs: {
        listQueue: async (_groupId, { cursor }) => {
          if (cursor !== undefined) throw new StoreError('unavailable', 'gone');
          return pageOf(0);
        },
      },
    });
    const whole = fetch(`${origin}/api/v1/groups/g1/queue`, { headers }).then((reply) =>
      reply.text(),
    );
    await expect(whole).rejects.toThrow();
  });

  it('stops reading a queue that nobody listens to any more', async () => {
    let pages = 0;
    let closed: (() => void) | undefined;
    const hasClosed = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const { app, origin } = await listen({
      jobs: {
        listQueue: async (_groupId, { cursor = '0' }) => {
          pages += 1;
          return pageOf(Number(cursor));
        },
      },
    });
    app.server.on('connection', (socket) => socket.on('close', () => closed?.()));
    const gone = new AbortController();
    const reply = await fetch(`${origin}/api/v1/groups/g1/queue`, { headers, signal: gone.signal });
    await reply.body?.getReader().read();
    gone.abort();
    await hasClosed;
    await app.close();
    const atEnd = pages;
    for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(pages).toBeLessThanOrEqual(atEnd + 1);
  });
});
