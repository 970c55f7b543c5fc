import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpApp } from '../http-app.ts';

/** The connection of a request that asks to go on as a WebSocket. */
export interface Upgrade {
  readonly socket: Socket;
  /** What the client sent already after its request. */
  readonly head: Buffer;
  /** Takes the connection away from HTTP: nothing of ours answers the request any more. */
  readonly takeOver: () => void;
}

export type FindUpgrade = (request: IncomingMessage) => Upgrade | undefined;

/** Longer than any handler may take: what is silent then reads no answer either. */
const SILENT_FOR_MS = 90_000;

interface Upgrades {
  readonly find: FindUpgrade;
  /** Those that nobody took over: the server forgets them when it is told to close its connections. */
  readonly destroyAll: () => void;
}

/** For `http.Server`: whatever else a request would like to be upgraded to (h2c), it is answered as it is. */
export function isWebSocketRequest(request: IncomingMessage): boolean {
  return request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * Sends requests for an upgrade down the same way as all others: limits, guards, logs and the error handler are
 * theirs too. A route that knows nothing of upgrades just answers, and the connection ends with its answer.
 */
export function routeUpgrades(app: HttpApp): Upgrades {
  const answered = new Set<Socket>();
  const upgrades = new WeakMap<IncomingMessage, Upgrade>();
  app.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    // Node took its own listeners off; without one, a reset would end the process.
    const destroy = (): void => {
      socket.destroy();
    };
    const onClose = (): void => {
      answered.delete(socket);
      // Node does so for its own connections only; who answers learns by it that nobody listens.
      request.destroy();
    };
    socket.on('error', destroy).on('close', onClose).setTimeout(SILENT_FOR_MS, destroy);
    answered.add(socket);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on('finish', () => {
      // Ended only, it would stay half open for as long as its client likes.
      socket.destroySoon();
    });
    const takeOver = (): void => {
      response.detachSocket(socket);
      // Who waits for the end of the answer, with a timer to give it up, waits no longer.
      response.emit('close');
      socket.off('error', destroy).off('close', onClose).setTimeout(0, destroy);
      answered.delete(socket);
    };
    upgrades.set(request, { socket, head, takeOver });
    app.routing(request, response);
  });
  return {
    find: (request) => upgrades.get(request),
    destroyAll: () => {
      for (const socket of answered) socket.destroy();
    },
  };
}
