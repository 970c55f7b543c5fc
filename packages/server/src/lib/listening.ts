import type { AddressInfo } from 'node:net';

/** What to do about a server that could not listen. */
export function listenFault(error: unknown, host: string, port: number): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} is taken by another program; stop it, or write another port`;
    case 'EACCES':
      return `port ${port} is not allowed for this user; write one above 1023`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is no address of this machine; write one that is, or :${port} for all`;
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/** Where a client on this machine finds it. */
export function urlOf(address: AddressInfo): string {
  const isAll = address.address === '::' || address.address === '0.0.0.0';
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${isAll ? 'localhost' : host}:${address.port}`;
}
