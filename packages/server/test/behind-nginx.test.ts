import { once } from 'node:events';
import { type IncomingMessage, request as send } from 'node:http';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { ADMIN_PASSWORD } from './harness/config-file.ts';
import { needNginx, startNginx } from './harness/nginx.ts';
import { startWorld } from './harness/start-world.ts';
import { sqlite } from './harness/world.ts';

/** As a browser names the server and the page it came from; plain HTTP, so no Sec-Fetch-Site. */
const HOST = 'ci.test:3000';
const own = { host: HOST, origin: `http://${HOST}` };
const foreign = { host: HOST, origin: 'http://evil.example' };

type Headers = Readonly<Record<string, string>>;

interface Reply {
  readonly status: number;
  readonly text: string;
  /** What it sets, as a browser sends it back. */
  readonly cookie: string;
}

/** What a page does through one socket of nginx. */
class Browser {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  async ask(method: string, path: string, headers: Headers, body = ''): Promise<Reply> {
    const sent = send({ socketPath: this.#socketPath, agent: false, method, path, headers });
    sent.end(body);
    const [reply] = (await once(sent, 'response')) as [IncomingMessage];
    return readReply(reply);
  }

  login(page: Headers): Promise<Reply> {
    const body = JSON.stringify({ username: 'admin', password: ADMIN_PASSWORD });
    const headers = { ...page, 'content-type': 'text/plain', 'content-length': `${body.length}` };
    return this.ask('POST', '/api/v1/auth/login', headers, body);
  }

  pause(page: Headers, cookie: string): Promise<Reply> {
    const headers = { ...page, cookie, 'content-length': '0' };
    return this.ask('POST', '/api/v1/groups/linux/pause', headers);
  }

  /** The answer to a ping, or the refusal of the upgrade. */
  async push(page: Headers, cookie: string): Promise<Reply> {
    const url = `ws+unix:${this.#socketPath}:/api/v1/ws`;
    const ws = new WebSocket(url, { headers: { ...page, cookie } });
    ws.on('error', () => undefined);
    onTestFinished(() => {
      ws.terminate();
    });
    const refused = once(ws, 'unexpected-response') as Promise<[unknown, IncomingMessage]>;
    const opened = once(ws, 'open').then(() => undefined);
    const refusal = await Promise.race([opened, refused]);
    if (refusal !== undefined) return readReply(refusal[1]);
    ws.send('{"type":"ping"}');
    const [answer] = (await once(ws, 'message')) as [Buffer];
    return { status: 101, text: answer.toString(), cookie: '' };
  }
}

async function readReply(reply: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  for await (const chunk of reply) chunks.push(chunk as Buffer);
  const cookie = (reply.headers['set-cookie'] ?? []).map((one) => one.split(';', 1)[0]).join('; ');
  return { status: reply.statusCode ?? 0, text: Buffer.concat(chunks).toString(), cookie };
}

describe('behind a real nginx', () => {
  beforeEach((context) => {
    needNginx(context.skip);
  });

  it.each(['$host', '$http_host'] as const)(
    'that passes %s on, a page of this host logs in, acts and listens, and a foreign one does not',
    async (kind) => {
      const world = await startWorld({ database: sqlite });
      const browser = new Browser((await startNginx(world.url)).socketOf(kind));
      const { status, cookie } = await browser.login(own);
      expect(status).toBe(200);
      expect((await browser.pause(own, cookie)).status).toBe(200);
      expect(await browser.push(own, cookie)).toMatchObject({
        status: 101,
        text: expect.stringContaining('system_status') as string,
      });
      const asked = kind === '$host' ? 'ci.test' : HOST;
      for (const refusal of [
        await browser.login(foreign),
        await browser.pause(foreign, cookie),
        await browser.push(foreign, cookie),
      ]) {
        expect(refusal).toMatchObject({ status: 403, cookie: '' });
        for (const name of [foreign.origin, `Host: ${asked}`, 'server.cors_origins']) {
          expect(refusal.text).toContain(name);
        }
      }
    },
  );

  it('that puts a Host of its own, a page gets in by what its browser says, or is told what to set', async () => {
    const world = await startWorld({ database: sqlite });
    const browser = new Browser((await startNginx(world.url)).socketOf('of the upstream'));
    const said = { ...own, 'sec-fetch-site': 'same-origin' };
    const { status, cookie } = await browser.login(said);
    expect(status).toBe(200);
    expect((await browser.pause(said, cookie)).status).toBe(200);
    expect((await browser.push(said, cookie)).status).toBe(101);
    const refusal = await browser.login(own);
    expect(refusal.status).toBe(403);
    expect(refusal.text).toContain('let your proxy pass on the Host');
  });

  it('that adds the port to X-Forwarded-For, a client has one limit whatever its port', async () => {
    const world = await startWorld({
      database: sqlite,
      config: {
        server: {
          trusted_proxies: ['127.0.0.1'],
          rate_limit: {
            enabled: true,
            public: { requests_per_minute: 1 },
            authenticated: { requests_per_minute: 100_000 },
          },
        },
      },
    });
    const browser = new Browser((await startNginx(world.url)).socketOf('$host'));
    const statusFor = async (client: string): Promise<number> =>
      (await browser.ask('GET', '/health', { host: HOST, 'x-client': client })).status;
    expect(await statusFor('192.0.2.1:4711')).toBe(200);
    expect(await statusFor('192.0.2.1:4712')).toBe(429);
    expect(await statusFor('192.0.2.2:4711')).toBe(200);
    expect(world.logLines.join('')).toContain('"ip":"192.0.2.1"');
  });
});
