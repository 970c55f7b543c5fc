/**
 * Whether a browser page from there may open a socket here: pages of this very host, and configured origins.
 * Programs send no Origin.
 * @param host as the client named it, port included
 */
export function isOriginAllowed(
  { origin, host }: { origin: string | undefined; host: string },
  corsOrigins: readonly string[],
): boolean {
  if (origin === undefined || corsOrigins.includes(origin)) return true;
  const isOpen = corsOrigins.length === 1 && corsOrigins[0] === '*';
  return isOpen || isSameHost(origin, host);
}

function isSameHost(origin: string, host: string): boolean {
  const page = URL.parse(origin);
  // The default port may be written out on one side and not on the other.
  const asked = page === null ? null : URL.parse(`${page.protocol}//${host}`);
  return page !== null && page.host !== '' && page.host === asked?.host;
}
