import { createServer } from 'node:net';

const DEFAULT_PORT = 9090;
const TRIES = 100;

/**
 * The port for the server: the one asked for, else 9090 or the next one that is free on this machine. Throws when
 * the one asked for is taken.
 */
export async function choosePort(wanted: number | undefined): Promise<number> {
  if (wanted !== undefined) {
    if (await isFree(wanted)) return wanted;
    throw new Error(`--port: ${wanted} is in use; leave the option out to take the next free one`);
  }
  for (let port = DEFAULT_PORT; port < DEFAULT_PORT + TRIES; port += 1) {
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${DEFAULT_PORT} on is free; name one with --port`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host: '127.0.0.1', port }, () => probe.close(() => resolve(true)));
  });
}
