import { connect } from 'node:net';
import { Agent, type buildConnector, type Dispatcher } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { exchange, type WireFault, type WireReply, type WireRequest } from './exchange.ts';
import {
  type RawExchange,
  type RawServer,
  rawReply,
  startRawServer,
  zippedReply,
} from './raw-server.testkit.ts';

const releases: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

async function serve(onRequest: (exchange: RawExchange) => void): Promise<RawServer> {
  const server = await startRawServer(onRequest);
  releases.push(() => server.close());
  return server;
}

function makeAgent(options: Agent.Options = {}): Agent {
  const agent = new Agent({ allowH2: false, pipelining: 1, ...options });
  releases.push(() => agent.destroy());
  return agent;
}

function post(url: string, change: Partial<WireRequest> = {}): WireRequest {
  return {
    url: `${url}/dispatches`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"ref":"main"}',
    timeoutMs: 30_000,
    signal: new AbortController().signal,
    maySend: () => true,
    ...change,
  };
}

/** What a request came to, without throwing: faults are what most of these tests look at. */
async function outcomeOf(sent: Promise<WireReply>): Promise<WireReply | WireFault> {
  return sent.catch((fault: unknown) => fault as WireFault);
}

/** A connector whose connections come when told, so that a test can act while one is being made. */
function heldConnector(): { connector: buildConnector.connector; release: () => void } {
  const waiting: (() => void)[] = [];
  return {
    connector: (options, callback) => {
      waiting.push(() => {
        const socket = connect({ host: options.hostname, port: Number(options.port) });
        socket.once('connect', () => {
          callback(null, socket);
        });
        socket.once('error', (error) => {
          callback(error, null);
        });
      });
    },
    release: () => {
      for (const open of waiting.splice(0)) open();
    },
  };
}

/** On the same client: what stood in line before it has had its turn when it is answered. */
async function sendNextAfter(release: () => void, agent: Agent, server: RawServer): Promise<void> {
  const next = exchange(agent, new FakeClock(), post(server.url, { body: '{"next":1}' }));
  const state = { isAnswered: false };
  const answered = next.finally(() => {
    state.isAnswered = true;
  });
  // The dropped request takes its connection with it; the next one asks for another.
  for (let turn = 0; !state.isAnswered && turn < 1_000; turn += 1) {
    release();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await answered).toMatchObject({ status: 200 });
}

describe('asking whether it may still be sent', () => {
  it('sends not one byte when the answer is no', async () => {
    const server = await serve(() => undefined);
    const sent = exchange(makeAgent(), new FakeClock(), post(server.url, { maySend: () => false }));
    expect(await outcomeOf(sent)).toMatchObject({ reason: 'refused-by-caller', hasStarted: false });
    expect(server.received.join('')).toBe('');
  });

  it('happens once the connection stands, and once', async () => {
    const server = await serve(({ socket }) => socket.write(rawReply(204, '')));
    const { connector, release } = heldConnector();
    const asked: string[] = [];
    const maySend = (): boolean => {
      asked.push('asked');
      return true;
    };
    const sent = exchange(
      makeAgent({ connect: connector }),
      new FakeClock(),
      post(server.url, { maySend }),
    );
    expect(asked).toEqual([]);
    release();
    expect(await sent).toMatchObject({ status: 204 });
    expect(asked).toEqual(['asked']);
  });

  it('is the moment the observation counts from', async () => {
    const clock = new FakeClock();
    const server = await serve(({ socket }) => socket.write(rawReply(200, '{}')));
    const { connector, release } = heldConnector();
    const sent = exchange(makeAgent({ connect: connector }), clock, post(server.url));
    clock.step(3_000);
    const startedAt = clock.now();
    release();
    expect(await sent).toMatchObject({ sentAt: startedAt, receivedAt: startedAt });
  });

  it.each([
    { stepMs: -361_000, firstByteAgoMs: 40, what: 'put back: as it would have shown then' },
    { stepMs: 361_000, firstByteAgoMs: 361_040, what: 'put forward: as it did show' },
  ])('tells when its first byte left though the clock was $what', async (row) => {
    const clock = new FakeClock();
    const asked = Promise.withResolvers<RawExchange>();
    const server = await serve(asked.resolve);
    const sent = exchange(makeAgent(), clock, post(server.url));
    const { socket } = await asked.promise;
    await clock.advance(40);
    clock.step(row.stepMs);
    socket.end(rawReply(200, '{}'));
    const { sentAt, receivedAt } = await sent;
    expect([receivedAt, sentAt]).toEqual([clock.now(), clock.now() - row.firstByteAgoMs]);
  });
});

describe('a client library that starts a request twice', () => {
  it('is stopped the second time, and the outcome is open', async () => {
    const aborted: string[] = [];
    const controller = (name: string): Dispatcher.DispatchController =>
      ({ abort: () => aborted.push(name) }) as unknown as Dispatcher.DispatchController;
    const twice = {
      dispatch: (_options: unknown, handler: Dispatcher.DispatchHandler) => {
        handler.onRequestStart?.(controller('first'), undefined);
        handler.onRequestStart?.(controller('second'), undefined);
        return true;
      },
    } as unknown as Dispatcher;
    expect(
      await outcomeOf(exchange(twice, new FakeClock(), post('http://127.0.0.1:1'))),
    ).toMatchObject({ reason: 'network', hasStarted: true });
    expect(aborted).toContain('second');
  });
});

describe('a request that gets no answer', () => {
  it('has not started when nobody listens', async () => {
    const server = await serve(() => undefined);
    await server.close();
    const outcome = await outcomeOf(exchange(makeAgent(), new FakeClock(), post(server.url)));
    expect(outcome).toMatchObject({ reason: 'network', hasStarted: false });
    expect((outcome as WireFault).message).toContain('ECONNREFUSED');
  });

  it('has started when the peer hangs up on it, and is not sent again', async () => {
    const server = await serve(({ socket }) => socket.destroy());
    const outcome = await outcomeOf(exchange(makeAgent(), new FakeClock(), post(server.url)));
    expect(outcome).toMatchObject({ reason: 'network', hasStarted: true });
    expect(server.received).toHaveLength(1);
  });

  it('has started when a kept-alive connection dies under it, and is not sent again', async () => {
    const server = await serve(({ number, socket }) => {
      if (number === 1) socket.write(rawReply(200, '{}'));
      else socket.resetAndDestroy();
    });
    const agent = makeAgent();
    await exchange(agent, new FakeClock(), post(server.url));
    const outcome = await outcomeOf(exchange(agent, new FakeClock(), post(server.url)));
    expect(outcome).toMatchObject({ reason: 'network', hasStarted: true });
    expect(server.received.join('').match(/POST/g)).toHaveLength(2);
  });

  it('goes over a new connection when the kept-alive one was closed before it', async () => {
    const server = await serve(({ socket }) => socket.end(rawReply(200, '{}')));
    const agent = makeAgent();
    let asked = 0;
    const maySend = (): boolean => {
      asked += 1;
      return true;
    };
    await exchange(agent, new FakeClock(), post(server.url, { maySend }));
    expect(await exchange(agent, new FakeClock(), post(server.url, { maySend }))).toMatchObject({
      status: 200,
    });
    expect(server.received).toHaveLength(2);
    expect(asked).toBe(2);
  });

  it('has started when the answer breaks off', async () => {
    const server = await serve(({ socket }) => {
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"workflow_run');
    });
    expect(await outcomeOf(exchange(makeAgent(), new FakeClock(), post(server.url)))).toMatchObject(
      { reason: 'network', hasStarted: true },
    );
  });

  it('times out on our clock, from the first step to the last byte', async () => {
    const clock = new FakeClock();
    const server = await serve(({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{');
    });
    const sent = outcomeOf(exchange(makeAgent(), clock, post(server.url)));
    await server.requests(1);
    await clock.advance(30_000);
    expect(await sent).toMatchObject({ reason: 'timeout', hasStarted: true });
    expect(clock.pendingTimers).toBe(0);
  });

  it('that timed out while connecting is never sent, though the connection comes later', async () => {
    const clock = new FakeClock();
    const server = await serve(({ socket }) => socket.write(rawReply(200, '{}')));
    const { connector, release } = heldConnector();
    const agent = makeAgent({ connect: connector, connections: 1 });
    const late = outcomeOf(exchange(agent, clock, post(server.url, { body: '{"late":1}' })));
    await clock.advance(30_000);
    expect(await late).toMatchObject({ reason: 'timeout', hasStarted: false });
    await sendNextAfter(release, agent, server);
    expect(server.received.join('')).not.toContain('late');
  });

  it('is given up when its caller gives up: before it starts, nothing is ever sent', async () => {
    const server = await serve(({ socket }) => socket.write(rawReply(200, '{}')));
    const { connector, release } = heldConnector();
    const agent = makeAgent({ connect: connector, connections: 1 });
    const caller = new AbortController();
    const request = post(server.url, { body: '{"late":1}', signal: caller.signal });
    const late = outcomeOf(exchange(agent, new FakeClock(), request));
    caller.abort();
    expect(await late).toMatchObject({ reason: 'aborted', hasStarted: false });
    await sendNextAfter(release, agent, server);
    expect(server.received.join('')).not.toContain('late');
  });

  it('is given up when its caller gives up: later, it has started', async () => {
    const server = await serve(() => undefined);
    const caller = new AbortController();
    const sent = outcomeOf(
      exchange(makeAgent(), new FakeClock(), post(server.url, { signal: caller.signal })),
    );
    await server.requests(1);
    caller.abort();
    expect(await sent).toMatchObject({ reason: 'aborted', hasStarted: true });
  });
});

describe('an answer', () => {
  it('is unzipped', async () => {
    const server = await serve(({ socket }) => socket.write(zippedReply('{"a":1}')));
    expect(await exchange(makeAgent(), new FakeClock(), post(server.url))).toMatchObject({
      body: '{"a":1}',
    });
  });

  it.each([
    ['as it is', rawReply(200, 'x'.repeat(8 * 1_024 * 1_024 + 1))],
    ['zipped', zippedReply('x'.repeat(8 * 1_024 * 1_024 + 1))],
  ])('that is too long (%s) is a fault with a name of its own', async (_how, reply) => {
    const server = await serve(({ socket }) => socket.write(reply));
    expect(await outcomeOf(exchange(makeAgent(), new FakeClock(), post(server.url)))).toMatchObject(
      { reason: 'too-long', hasStarted: true },
    );
  });

  it('that is said to be zipped and is not is a fault after the start', async () => {
    const server = await serve(({ socket }) =>
      socket.write(rawReply(200, '{"a":1}', { 'content-encoding': 'gzip' })),
    );
    expect(await outcomeOf(exchange(makeAgent(), new FakeClock(), post(server.url)))).toMatchObject(
      { reason: 'network', hasStarted: true },
    );
  });
});
