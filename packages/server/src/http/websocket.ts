import type { FastifyRequest } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Auth, Session } from '../auth/auth.ts';
import type { HttpDeps } from './deps.ts';
import { badRequest, GuardRefusal, HttpError } from './errors.ts';
import type { HttpApp } from './http-app.ts';
import { logRequest } from './plugins/access-log.ts';
import type { PageGuard } from './plugins/foreign-pages.ts';
import { findSocketToken } from './plugins/session.ts';
import type { FindUpgrade, Upgrade } from './plugins/upgrades.ts';
import { answerClient } from './push/answer-client.ts';
import { CLOSE, PushClient } from './push/push-client.ts';
import { PushHub } from './push/push-hub.ts';
import { Pusher } from './push/pusher.ts';

/** As docs/api.md describes it, and the predecessor's dashboards expect it. */
const LARGEST_MESSAGE_BYTES = 512;
/** After this long a connection that is being closed is cut. */
const CLOSE_WITHIN_MS = 5_000;
/** Each takes some 30 kB. */
const MOST_CLIENTS = 5_000;

// Not written in place: @types/ws does not know `closeTimeout` yet.
const SOCKET_OPTIONS = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: LARGEST_MESSAGE_BYTES,
  closeTimeout: CLOSE_WITHIN_MS,
};

interface SocketDeps extends HttpDeps {
  readonly auth: Auth;
  readonly findUpgrade: FindUpgrade;
  readonly pages: PageGuard;
}

/** `GET /ws`: pushes what changes in the groups that a client subscribes to. Ends its clients when the app closes. */
export function webSocketRoutes(app: HttpApp, deps: SocketDeps): void {
  const hub = openHub(app, deps);
  const server = new WebSocketServer(SOCKET_OPTIONS);

  app.get('/ws', async (request, reply) => {
    const session = await requireSession(request, deps.auth);
    const upgrade = deps.findUpgrade(request.raw);
    if (upgrade === undefined) throw badRequest('ask for an upgrade to a WebSocket');
    await deps.pages.refuseForeign(request);
    checkMayOpen(hub);
    reply.hijack();
    upgrade.takeOver();
    server.handleUpgrade(request.raw, upgrade.socket, upgrade.head, (ws) => {
      logRequest(request, { status: 101, durationMs: reply.elapsedTime }, deps.metrics);
      serve(ws, { ...deps, hub, request, upgrade, session });
    });
  });
}

function openHub(app: HttpApp, deps: SocketDeps): PushHub {
  const { metrics, logger } = deps;
  const hub = new PushHub({
    onSlow: ({ session }) => {
      metrics.countSlowWebSocketClient();
      logger.info({ username: session.user.username }, 'websocket client too slow, let go');
    },
    onSize: (count) => {
      metrics.setWebSocketClients(count);
    },
  });
  const pusher = new Pusher({ ...deps, hub });
  deps.listenToEvents((event) => {
    pusher.notice(event);
  });
  const stop = new AbortController();
  const pushing = pusher.run(stop.signal);
  app.addHook('preClose', async () => {
    stop.abort();
    await pushing;
    hub.closeAll();
  });
  return hub;
}

/** The token of the query comes before the cookie's here, and a header is not looked at. */
async function requireSession(request: FastifyRequest, auth: Auth): Promise<Session> {
  const token = findSocketToken(request);
  const session = token === undefined ? undefined : await auth.findSession(token);
  if (session === undefined) throw new GuardRefusal(401);
  return session;
}

function checkMayOpen(hub: PushHub): void {
  if (hub.isClosed) throw new HttpError(503, 'stopping', 'this server stops; connect again');
  if (hub.size >= MOST_CLIENTS) {
    throw new HttpError(503, 'too-many-clients', 'too many clients are connected; try again', {
      'retry-after': '30',
    });
  }
}

interface Served extends SocketDeps {
  readonly hub: PushHub;
  readonly request: FastifyRequest;
  readonly upgrade: Upgrade;
  readonly session: Session;
}

function serve(ws: WebSocket, { hub, request, upgrade, session, clock }: Served): void {
  const client = new PushClient({ ws, socket: upgrade.socket, session }, clock);
  hub.add(client);
  ws.on('message', (data: Buffer) => {
    // Let go, it may still send for as long as its connection takes to close.
    if (!hub.has(client)) return;
    if (client.tryTakeMessage()) {
      answerClient(data.toString(), client, { hub, clock });
      return;
    }
    hub.close(client, CLOSE.refused, 'too many messages');
    request.log.info(
      { username: session.user.username },
      'websocket client sends too many messages, let go',
    );
  });
  ws.on('error', (error) => {
    request.log.debug({ reason: error.message }, 'websocket broke');
  });
  ws.on('close', (code) => {
    hub.remove(client);
    request.log.debug({ code }, 'websocket closed');
  });
}
