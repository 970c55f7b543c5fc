import { isIPv6 } from 'node:net';

/**
 * What a client is counted by: its address, never its port. One IPv6 customer has a whole /64, and would have a
 * fresh limit with every address of it.
 */
export function clientKey(ip: string): string {
  const address = ip.split('%', 1)[0] ?? ip;
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  return mapped ?? `${firstGroups(address).join(':')}::/64`;
}

function firstGroups(address: string): string[] {
  const [head = '', tail] = address.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = Math.max(0, 8 - groups.length - after.length);
  const all = [...groups, ...Array.from({ length: missing }, () => '0'), ...after];
  return all.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''));
}
