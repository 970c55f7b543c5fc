import { isIPv4, isIPv6, SocketAddress } from 'node:net';

/** IPv6 in brackets, IPv4 bare; a port behind either. */
const WITH_PORT = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/;
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;

/**
 * One spelling for each address, however a proxy or the kernel wrote it: without port, brackets and zone, an
 * IPv4 address out of its IPv6 mapping, IPv6 as RFC 5952 writes it.
 *
 * @returns undefined where the text is no address
 */
export function readAddress(text: string): string | undefined {
  const [, bracketed, plain] = WITH_PORT.exec(text) ?? [];
  const [address = ''] = (bracketed ?? plain ?? text).split('%', 1);
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) return undefined;
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address.toLowerCase();
  return MAPPED.exec(canonical)?.[1] ?? canonical;
}

/**
 * `X-Forwarded-For` with addresses only, so that whoever reads it counts each client once: some proxies add the
 * client's port, which is another with each connection. What is no address ends it: whoever stands behind that
 * is nobody we know, and counts as the proxy that wrote it.
 *
 * @returns undefined where no address is left
 */
export function readForwardedFor(header: string): string | undefined {
  const hops = header
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => hop !== '');
  const addresses = hops.map(readAddress);
  const known = addresses.slice(addresses.lastIndexOf(undefined) + 1);
  return known.length === 0 ? undefined : known.join(', ');
}
