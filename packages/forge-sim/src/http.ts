import Fastify from 'fastify';
import { controlRoutes } from './control/routes.ts';
import { type RestServerDeps, restRoutes } from './rest/server.ts';
import type { ForgeSim } from './sim.ts';

/** GitHub takes far less; a longer body is refused before anyone reads it. */
const BODY_LIMIT_BYTES = 4 * 1024 * 1024;

export interface HttpOptions {
  rest: RestServerDeps;
  started: Promise<ForgeSim>;
  host: string;
  port: number;
}

export interface RunningHttp {
  url: string;
  stop: () => Promise<void>;
}

export async function startHttp(options: HttpOptions): Promise<RunningHttp> {
  const app = Fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1_000 },
  });
  // Bodies stay text here: a wrong one must be answered in GitHub's way, after the token is known.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });
  await app.register((control) => controlRoutes(control, options.started), { prefix: '/_sim' });
  restRoutes(app, options.rest);
  await app.listen({ host: options.host, port: options.port });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('forge-sim: no TCP address');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return { url: `http://${host}:${String(address.port)}`, stop: () => app.close() };
}
