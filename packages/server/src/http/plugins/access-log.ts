import type { FastifyRequest } from 'fastify';
import type { Clock } from '../../lib/clock.ts';
import { uuidv7 } from '../../lib/ids.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { readAddress } from '../forwarded-for.ts';
import type { HttpApp } from '../http-app.ts';

/** Asked every few seconds by machines: of interest only to who looks for it. */
const QUIET = new Set(['/health', '/ready', '/metrics']);

export function logRequests(app: HttpApp, metrics: Metrics): void {
  app.addHook('onResponse', async (request, reply) => {
    logRequest(request, { status: reply.statusCode, durationMs: reply.elapsedTime }, metrics);
  });
}

/** One line and one sample for each request. No URL in either: a query may hold a token, an id would be a series. */
export function logRequest(
  request: FastifyRequest,
  answer: { readonly status: number; readonly durationMs: number },
  metrics: Metrics,
): void {
  const facts = { method: request.method, path: routePattern(request), ...answer };
  metrics.observeRequest(facts);
  const durationMs = Math.round(facts.durationMs * 10) / 10;
  const shown = {
    ...facts,
    durationMs,
    ip: readAddress(request.ip) ?? request.ip,
    ...unmatchedUrl(request),
  };
  const isQuiet = QUIET.has(facts.path) && facts.status < 400;
  request.log[isQuiet ? 'debug' : 'info'](shown, 'request');
}

/** All that may begin a query, or give a name a value, encoded once or several times. */
const QUERY = /[?#;&=]|%(?:25)*(?:3f|23|3b|26|3d)/i;

/** Where no route tells what was asked for. Without what looks like a query: it may hold a token. */
function unmatchedUrl({ routeOptions, url }: FastifyRequest): { url?: string } {
  return routeOptions.url === undefined ? { url: url.split(QUERY, 1)[0]?.slice(0, 200) ?? '' } : {};
}

/** As the contract writes it: `/api/v1/jobs/{id}`. */
function routePattern(request: FastifyRequest): string {
  const { url } = request.routeOptions;
  return url === undefined ? 'unmatched' : url.replaceAll(/:(\w+)/g, '{$1}');
}

/** The caller's id if it can stand in a log line and a header as it is, else one of ours. */
export function makeRequestId(given: string | string[] | undefined, clock: Clock): string {
  const isUsable = typeof given === 'string' && /^[\w.:/+=@-]{1,128}$/.test(given);
  return isUsable ? given : uuidv7(clock.now());
}
