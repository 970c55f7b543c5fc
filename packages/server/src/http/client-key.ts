import { readAddress } from './forwarded-for.ts';

/**
 * What a client is counted by: its address, never its port. One IPv6 customer has a whole /64, and would have a
 * fresh limit with every address of it.
 */
export function clientKey(ip: string): string {
  const address = readAddress(ip) ?? ip;
  return address.includes(':') ? `${firstGroups(address).join(':')}::/64` : address;
}

/** @param address as `readAddress` writes it */
function firstGroups(address: string): string[] {
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = Math.max(0, 8 - groups.length - after.length);
  return [...groups, ...Array.from({ length: missing }, () => '0'), ...after].slice(0, 4);
}
