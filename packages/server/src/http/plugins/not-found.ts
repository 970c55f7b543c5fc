import type { HttpApp } from '../http-app.ts';

interface KnownRoute {
  /** Between slashes; one that starts with a colon matches any text. */
  readonly parts: readonly string[];
  readonly methods: readonly string[];
}

/** Text for an unknown path; 405 with `Allow` for a known one asked in another way. Call before the routes are added. */
export function answerUnknownRoutes(app: HttpApp): void {
  const routes: KnownRoute[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    routes.push({ parts: url.split('/'), methods: [method].flat() });
  });
  // The router takes an empty part of a path for a parameter; no id is empty.
  app.addHook('onRequest', async (request, reply) => {
    if (Object.values(request.params ?? {}).includes('')) reply.callNotFound();
  });
  app.setNotFoundHandler((request, reply) => {
    const parts = (request.url.split('?', 1)[0] ?? '').split('/');
    const methods = routes
      .filter((route) => partsFit(route.parts, parts))
      .flatMap((route) => route.methods);
    if (methods.length > 0) {
      return reply
        .code(405)
        .header('allow', [...new Set(methods)].join(', '))
        .send();
    }
    return reply.code(404).type('text/plain; charset=utf-8').send('404 page not found\n');
  });
}

function partsFit(pattern: readonly string[], parts: readonly string[]): boolean {
  if (pattern.length !== parts.length) return false;
  return pattern.every((part, i) => (part.startsWith(':') ? parts[i] !== '' : parts[i] === part));
}
