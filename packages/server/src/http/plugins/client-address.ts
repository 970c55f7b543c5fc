import type { FastifyRequest } from 'fastify';
import type { HttpOptions } from '../deps.ts';
import { readAddress, readForwardedFor } from '../forwarded-for.ts';
import type { HttpApp } from '../http-app.ts';

/** More proxies than that, or somebody who only says that he is one: no news. */
const MOST_LOGGED = 5;
const NAMES_ANYBODY = /[^\s,]/;

type Options = Pick<HttpOptions, 'rateLimit' | 'trustedProxies'>;

/**
 * Makes `request.ip` the client's address behind the proxies that are trusted, one spelling each. Before all other hooks.
 * Says so when there seems to be a proxy that is not: everybody behind it is one client then, and the limits
 * of that one are soon used up.
 */
export function findClientAddress(app: HttpApp, { rateLimit, trustedProxies }: Options): void {
  const logged = new Set<string>();
  app.addHook('onRequest', async (request) => {
    const { headers } = request.raw;
    const header = [headers['x-forwarded-for'] ?? []].flat().join(',');
    if (!NAMES_ANYBODY.test(header)) return;
    if (rateLimit.isEnabled && !isFromTrusted(request)) warn(request, logged, trustedProxies);
    // Fastify reads it each time it is asked for the address.
    const forwardedFor = readForwardedFor(header);
    if (forwardedFor === undefined) delete headers['x-forwarded-for'];
    else headers['x-forwarded-for'] = forwardedFor;
  });
}

/** Those who are asked through a trusted one count besides the peer itself. */
function isFromTrusted({ ips = [] }: FastifyRequest): boolean {
  return ips.length > 1;
}

function warn(request: FastifyRequest, logged: Set<string>, trusted: readonly string[]): void {
  const { remoteAddress = '' } = request.raw.socket;
  const address = readAddress(remoteAddress) ?? remoteAddress;
  if (logged.has(address) || logged.size >= MOST_LOGGED) return;
  logged.add(address);
  const problem =
    `X-Forwarded-For came from ${address}, which is not in server.trusted_proxies` +
    `${trusted.length === 0 ? '' : ` (${trusted.join(', ')})`}, and is not believed: if that is your proxy, add it there; ` +
    'until then all who come through it share the limits of server.rate_limit';
  request.log.warn({ problem }, 'proxy not trusted');
}
