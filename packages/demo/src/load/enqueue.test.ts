import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Random } from '@dispatchoor/forge-sim/client';
import { ServerClient, systemClock } from '@dispatchoor/testbed';
import { describe, expect, it, onTestFinished } from 'vitest';
import { keepBacklog } from './enqueue.ts';
import { aJob } from './job.testkit.ts';
import { JobBook } from './job-book.ts';
import { plannedJobs } from './plan.ts';

type Reply = { status: number; body: object } | 'cut';

/** A server that answers each request with what `answer` says. */
async function serve(answer: (request: IncomingMessage) => Reply): Promise<string> {
  const server = createServer((request, response) => {
    const reply = answer(request);
    request.resume();
    if (reply === 'cut') request.socket.destroy();
    else response.writeHead(reply.status).end(JSON.stringify(reply.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const user = {
  ...{ id: 'u', username: 'demo', role: 'admin', auth_provider: 'basic' },
  ...{ created_at: '2026-01-01T12:00:00.000Z', updated_at: '2026-01-01T12:00:00.000Z' },
};
const loggedIn = { status: 200, body: { token: 't', user } };

async function enqueueInto(url: string, limit: number, signal = new AbortController().signal) {
  const book = new JobBook();
  const api = new ServerClient(url, { username: 'demo', password: 'x' });
  onTestFinished(() => api.close());
  await keepBacklog({
    ...{ api, book, limit, signal, clock: systemClock, keyPrefix: 'p', backlog: 24 },
    plan: plannedJobs(new Random(1, 'load')),
  });
  return book;
}

describe('enqueueing', () => {
  it('asks again with the same Idempotency-Key until the server says 201', async () => {
    const keys: unknown[] = [];
    const replies: Reply[] = ['cut', { status: 503, body: {} }, { status: 201, body: aJob('a') }];
    const url = await serve((request) => {
      if (request.url?.endsWith('/login') === true) return loggedIn;
      keys.push(request.headers['idempotency-key']);
      return replies.shift() ?? { status: 201, body: aJob('b') };
    });
    const book = await enqueueInto(url, 2);
    expect(keys).toEqual(['p-job-001', 'p-job-001', 'p-job-001', 'p-job-002']);
    expect(book.accepted).toBe(2);
  });

  it('logs in again when its session is gone', async () => {
    let logins = 0;
    const url = await serve((request) => {
      if (request.url?.endsWith('/login') === true) {
        logins += 1;
        return loggedIn;
      }
      return logins < 2 ? { status: 401, body: {} } : { status: 201, body: aJob('a') };
    });
    expect((await enqueueInto(url, 1)).accepted).toBe(1);
    expect(logins).toBe(2);
  });

  it('ends with the reason when the server refuses a job', async () => {
    const url = await serve((request) =>
      request.url?.endsWith('/login') === true
        ? loggedIn
        : { status: 400, body: { error: 'no such template' } },
    );
    await expect(enqueueInto(url, 1)).rejects.toThrow('no such template');
  });

  it('ends when the demo ends, although the server never answers', async () => {
    const end = new AbortController();
    const url = await serve(() => {
      end.abort();
      return 'cut';
    });
    expect((await enqueueInto(url, 1, end.signal)).accepted).toBe(0);
  });
});
