import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openTestApp } from '../app.testkit.ts';

const login = 'POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{';
const get = (path: string, header = 'x-y: z') =>
  `GET ${path} HTTP/1.1\r\nhost: x\r\n${header}\r\n\r\n`;

describe('connections', () => {
  const opened: Socket[] = [];
  const open = (port: number, host = '127.0.0.1'): Socket => {
    const socket = connect(port, host);
    // One that is dropped may be reset while it is still being opened.
    socket.on('error', () => undefined);
    opened.push(socket);
    return socket;
  };
  const countDropped = async (app: { metrics: () => Promise<string> }) =>
    /_http_connections_dropped_total (\d+)/.exec(await app.metrics())?.[1];
  const listen = async (
    most: number,
    host = '127.0.0.1',
    parts: Parameters<typeof openTestApp>[0] = {},
  ) => {
    const options = { maxConnections: most };
    const { app, clock, logged, ask } = await openTestApp({ ...parts, options });
    await app.listen({ host, port: 0 });
    const warnings = () => logged().match(/"dropped":\d+/g) ?? [];
    const metrics = async () => (await ask({ url: '/metrics' })).body;
    return { app, clock, warnings, metrics, addresses: app.addresses() as AddressInfo[] };
  };
  // Not `once`, which rejects on the reset of a dropped one.
  const closed = (socket: Socket) =>
    new Promise((resolve) => {
      socket.once('close', resolve);
    });
  afterEach(() => {
    for (const socket of opened.splice(0)) socket.destroy();
  });

  it('with slow bodies take no more descriptors than they may, and others get through again once they end', async () => {
    const { warnings, addresses, ...app } = await listen(3);
    const port = addresses[0]?.port ?? 0;
    const slow = [open(port), open(port), open(port)];
    for (const socket of slow) socket.write(login);
    await Promise.all(slow.map((socket) => once(socket, 'connect')));
    await closed(open(port));
    expect(await countDropped(app)).toBe('1');
    const ended = slow.map(closed);
    for (const socket of slow) socket.destroy();
    await Promise.all(ended);
    const answer = await fetchUntilTaken(port);
    expect(answer.status).toBe(200);
    expect(warnings()).toEqual(['"dropped":1']);
  });

  it('that are dropped are all counted, and told once a minute at most', async () => {
    const { clock, warnings, addresses, ...app } = await listen(1);
    const port = addresses[0]?.port ?? 0;
    await once(open(port), 'connect');
    for (let i = 0; i < 5; i += 1) await closed(open(port));
    expect(warnings()).toEqual(['"dropped":1']);
    await clock.advance(60_000);
    expect(warnings()).toEqual(['"dropped":1', '"dropped":4']);
    await clock.advance(120_000);
    await closed(open(port));
    expect(warnings()).toEqual(['"dropped":1', '"dropped":4', '"dropped":1']);
    expect(await countDropped(app)).toBe('6');
  });

  it('on which a hundred requests wait for an answer are closed, and cost nobody else a place (logins on two of them stopped dispatching)', async () => {
    const asked = Promise.withResolvers<undefined>();
    const findSession = () => asked.promise;
    const { warnings, addresses, ...app } = await listen(3, '127.0.0.1', {
      users: { findSession },
    });
    const port = addresses[0]?.port ?? 0;
    const rushing = open(port);
    rushing.write(get('/api/v1/status', 'authorization: Bearer x').repeat(100));
    await closed(rushing);
    expect(await countDropped(app)).toBe('1');
    expect(warnings()).toEqual(['"dropped":1']);
    expect((await fetchUntilTaken(port)).status).toBe(200);
    asked.resolve(undefined);
  });

  it('may send a few requests ahead, and are answered in order', async () => {
    const { warnings, addresses } = await listen(3);
    const socket = open(addresses[0]?.port ?? 0);
    socket.write(['/health', '/no-such', '/health'].map((path) => get(path)).join(''));
    let text = '';
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part;
    });
    while (text.split('HTTP/1.1 ').length < 4) await once(socket, 'data');
    expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(
      ['200', '404', '200'].map((code) => `HTTP/1.1 ${code}`),
    );
    expect(warnings()).toEqual([]);
  });

  it('to localhost are limited on both of its addresses', async (context) => {
    const { addresses } = await listen(2, 'localhost');
    if (addresses.length < 2) return context.skip('localhost has one address here');
    for (const { address, port } of addresses) {
      await once(open(port, address), 'connect');
      await closed(open(port, address));
    }
  });
});

/** The server learns of an end a moment after the client. */
async function fetchUntilTaken(port: number): Promise<Response> {
  for (;;) {
    try {
      return await fetch(`http://127.0.0.1:${port}/health`);
    } catch {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
