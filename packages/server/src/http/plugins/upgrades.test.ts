import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { adminToken, openTestApp, type TestAppParts } from '../app.testkit.ts';
import { makeJob } from '../store.testkit.ts';

async function open(parts: TestAppParts = {}) {
  const opened = await openTestApp(parts);
  const origin = await opened.app.listen({ host: '127.0.0.1', port: 0 });
  const accepted = once(opened.app.server, 'connection') as Promise<[Socket]>;
  const ask = (path: string): Socket => {
    const port = Number(new URL(origin).port);
    // It does not end its half when the server ends the other one.
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    onTestFinished(() => {
      socket.destroy();
    });
    const upgrade = 'connection: upgrade\r\nupgrade: websocket\r\n';
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n${upgrade}\r\n`);
    return socket;
  };
  return { ...opened, accepted, ask };
}

describe('an upgrade that no route takes over', () => {
  it.each(['/health', '/nothing-here', '/api/v1/ws'])(
    'of %s is let go with its answer, whether or not its client ends it',
    async (path) => {
      const { app, accepted, ask } = await open();
      const client = ask(path).resume();
      const [socket] = await accepted;
      await Promise.all([once(client, 'end'), once(socket, 'close')]);
      await app.close();
    },
  );

  it('is cut when the server stops and its client does not read its answer', async () => {
    const reading = Promise.withResolvers<undefined>();
    const jobs = Array.from({ length: 500 }, () => makeJob({ inputs: { a: 'x'.repeat(20_000) } }));
    const { app, clock, ask } = await open({
      jobs: {
        listQueue: async () => {
          reading.resolve(undefined);
          return { jobs, nextCursor: 'more' };
        },
      },
    });
    const client = ask(`/api/v1/groups/g1/queue?token=${adminToken}`).pause();
    await reading.promise;
    const closed = app.close();
    while (app.server.listening) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(5_000);
    await closed;
    client.destroy();
  });

  it('is given longer than any handler to be silent', async () => {
    const asked = Promise.withResolvers<undefined>();
    const found = Promise.withResolvers<undefined>();
    const { accepted, ask } = await open({
      users: {
        findSession: () => {
          asked.resolve(undefined);
          return found.promise;
        },
      },
    });
    ask(`/api/v1/ws?token=${adminToken}`);
    const [socket] = await accepted;
    await asked.promise;
    expect(socket.timeout).toBe(90_000);
    found.resolve(undefined);
    await once(socket, 'close');
  });
});
