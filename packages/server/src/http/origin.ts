/** What a browser says of the page that asks. Programs say none of it, and no page can change it. */
export interface Page {
  /** `Sec-Fetch-Site`. Browsers send it to HTTPS and to localhost only. */
  readonly site: string | undefined;
  /** `Origin`. */
  readonly origin: string | undefined;
  /** This server as the browser named it, the port included where the proxies left it: any of these. */
  readonly hosts: readonly string[];
}

/**
 * Whether a page may act with the cookie of its user: one of this very host, or of a configured origin. What the
 * browser says of it counts first. Then its origin is held against the host; proxies often pass that on
 * without its port (nginx: `$host`), and it counts for every port then.
 *
 * @param corsOrigins as the configuration has them: exactly one `*` is every page
 */
export function mayPageAct({ site, origin, hosts }: Page, corsOrigins: readonly string[]): boolean {
  const isOpen = corsOrigins.length === 1 && corsOrigins[0] === '*';
  if (isOpen || (origin !== undefined && corsOrigins.includes(origin))) return true;
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  return origin === undefined || hosts.some((host) => isSameHost(origin, host));
}

function isSameHost(origin: string, host: string): boolean {
  const page = URL.parse(origin);
  if (page === null || page.host === '') return false;
  // A default port may be written out on one side and not on the other.
  const asked = URL.parse(`${page.protocol}//${host}`);
  const hasPort = /:\d+$/.test(host);
  return hasPort ? page.host === asked?.host : page.hostname === asked?.hostname;
}
