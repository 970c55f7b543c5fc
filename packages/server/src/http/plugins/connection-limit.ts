import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { HttpApp } from '../http-app.ts';

const LOGGED_EVERY_MS = 60_000;

interface LimitDeps {
  readonly most: number;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'countDroppedConnection'>;
}

/**
 * Requests of one connection at a time. Browsers and the usual clients have one, and send the next when they have its answer.
 * Node hands out all that it finds on a connection: without an end two of them held a hundred thousand waiting logins.
 */
const MOST_TOGETHER = 4;

/**
 * More connections than `most` at a time are closed as they come, WebSockets counted too: without an end they would take
 * every descriptor, and with them the connections to the forge and the database. One that sends more requests ahead than
 * it may is closed as well. Both are logged once a minute at most.
 */
export function limitConnections(app: HttpApp, { most, clock, metrics }: LimitDeps): void {
  const dropped = new DropLog(clock, (count) => {
    app.log.warn(
      { dropped: count, most },
      'connections dropped: there are as many as server.max_connections',
    );
  });
  const rushing = new DropLog(clock, (count) => {
    app.log.warn(
      { dropped: count, most: MOST_TOGETHER },
      'connections dropped: more requests were sent ahead on one of them than are taken at a time',
    );
  });
  const onDrop = (dropLog: DropLog) => (): void => {
    metrics.countDroppedConnection();
    dropLog.note();
  };
  app.addHook('onListen', async () => {
    const servers = [app.server, ...otherServersOf(app)];
    for (const server of servers) {
      server.maxConnections = Math.ceil(most / servers.length);
      server.on('drop', onDrop(dropped));
      limitPipelining(server, onDrop(rushing));
    }
  });
  app.addHook('onClose', async () => {
    dropped.stop();
    rushing.stop();
  });
}

/** Before anything else sees a request: those behind the first too many cost only their parsing. */
function limitPipelining(server: Server, onDrop: () => void): void {
  const open = new WeakMap<Socket, number>();
  const openOn = (socket: Socket): number => open.get(socket) ?? 0;
  const handlers = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    if (socket.destroyed) return;
    if (openOn(socket) === MOST_TOGETHER) {
      socket.destroy();
      onDrop();
      return;
    }
    open.set(socket, openOn(socket) + 1);
    response.once('close', () => open.set(socket, openOn(socket) - 1));
    for (const handle of handlers) handle.call(server, request, response);
  });
}

/** At once, then how many more there were, a minute apart. */
class DropLog {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #log: (count: number) => void;
  #unlogged = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Pick<Clock, 'after'>, log: (count: number) => void) {
    this.#clock = clock;
    this.#log = log;
  }

  note(): void {
    this.#unlogged += 1;
    if (this.#cancel === undefined) this.#logUnlogged();
  }

  stop(): void {
    this.#cancel?.();
  }

  #logUnlogged(): void {
    this.#cancel = undefined;
    if (this.#unlogged === 0) return;
    this.#log(this.#unlogged);
    this.#unlogged = 0;
    this.#cancel = this.#clock.after(LOGGED_EVERY_MS, () => {
      this.#logUnlogged();
    });
  }
}

/** For `localhost` Fastify listens on two addresses, and shows one of them only. */
function otherServersOf(app: HttpApp): readonly Server[] {
  const symbols = Object.getOwnPropertySymbols(app);
  const bindings = symbols.find(({ description }) => description === 'fastify.serverBindings');
  return bindings === undefined ? [] : (Reflect.get(app, bindings) as Server[]);
}
