import type { HttpApp } from '../http-app.ts';

const METHODS = 'GET, POST, PUT, DELETE, OPTIONS';
const REQUEST_HEADERS = 'Content-Type, Authorization, Idempotency-Key';
const RESPONSE_HEADERS = 'X-Next-Cursor, X-Request-Id, Retry-After';

/**
 * Nothing without configured origins. Other origins are served without these headers: it is the browser that
 * refuses. `*` means every origin only when it stands alone.
 */
export function allowOrigins(app: HttpApp, origins: readonly string[]): void {
  if (origins.length === 0) return;
  const isOpen = origins.length === 1 && origins[0] === '*';
  app.addHook('onRequest', async (request, reply) => {
    // Also on replies to others: a cache must not give one origin's reply to another.
    reply.header('vary', 'Origin');
    const { origin } = request.headers;
    if (origin !== undefined && (isOpen || origins.includes(origin))) {
      reply.headers({
        'access-control-allow-origin': origin,
        'access-control-allow-methods': METHODS,
        'access-control-allow-headers': REQUEST_HEADERS,
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': RESPONSE_HEADERS,
      });
    }
    if (request.method === 'OPTIONS') return reply.code(200).send();
  });
}
