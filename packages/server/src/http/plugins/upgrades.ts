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

/** For `http.Server`: whatever else a request would like to be upgraded to (h2c), it is answered as it is. */
export function isWebSocketRequest(request: IncomingMessage): boolean {
  return request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * Sends requests for an upgrade down the same way as all others: limits, guards, logs and the error handler are
 * theirs too. A route that knows nothing of upgrades just answers, and the connection ends with its answer.
 */
export function routeUpgrades(app: HttpApp): FindUpgrade {
  const upgrades = new WeakMap<IncomingMessage, Upgrade>();
  app.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    // Node took its own listeners off; without one, a reset would end the process.
    const onError = (): void => {
      socket.destroy();
    };
    socket.on('error', onError);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on('finish', () => {
      socket.end();
    });
    const takeOver = (): void => {
      response.detachSocket(socket);
      socket.off('error', onError);
    };
    upgrades.set(request, { socket, head, takeOver });
    app.routing(request, response);
  });
  return (request) => upgrades.get(request);
}
