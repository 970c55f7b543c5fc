import type { FastifyRequest } from 'fastify';
import { HttpError } from '../errors.ts';
import { mayPageAct, type Page } from '../origin.ts';

/** Refuses what a foreign page wants done. Browsers add a user's cookie to it, whoever made the page. */
export interface PageGuard {
  /** An onRequest hook. @throws HttpError 403 for a page that is neither of this host nor configured */
  readonly refuseForeign: (request: FastifyRequest) => Promise<void>;
}

/** More of them are no news. */
const MOST_LOGGED = 20;
const LONGEST_SHOWN = 200;

export function makePageGuard(corsOrigins: readonly string[]): PageGuard {
  const logged = new Set<string>();
  return {
    refuseForeign: async (request) => {
      const page = pageOf(request);
      if (mayPageAct(page, corsOrigins)) return;
      const refusal = refusalOf(page);
      // News once: who is refused goes on asking.
      const isNews = !logged.has(refusal.message) && logged.size < MOST_LOGGED;
      if (isNews) logged.add(refusal.message);
      request.log[isNews ? 'warn' : 'debug']({ problem: refusal.message }, 'foreign page refused');
      throw refusal;
    },
  };
}

function pageOf({ headers, host }: FastifyRequest): Page {
  const { origin, 'sec-fetch-site': site } = headers;
  // The first is what a trusted proxy says that it was asked for.
  const hosts = new Set([host, headers.host ?? '']);
  return { site: typeof site === 'string' ? site : undefined, origin, hosts: [...hosts] };
}

function refusalOf({ origin, hosts, site }: Page): HttpError {
  const seen = [
    `Origin: ${shown(origin)}`,
    `Host: ${shown(hosts.join(' or '))}`,
    ...(site === undefined ? [] : [`Sec-Fetch-Site: ${shown(site)}`]),
  ];
  return new HttpError(
    403,
    'foreign-page',
    `refused: this comes from a page of another origin than the server's (${seen.join(', ')}); ` +
      'if the page is yours, add its origin to server.cors_origins, or let your proxy pass on the Host that it was asked for',
  );
}

function shown(value: string | undefined): string {
  return value === undefined || value === '' ? 'none' : value.slice(0, LONGEST_SHOWN);
}
