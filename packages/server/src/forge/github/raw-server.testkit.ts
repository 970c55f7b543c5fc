import { type AddressInfo, createServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';

/** A TCP server that speaks only as told: what a client really writes, byte by byte, and answers no library sends. */
export interface RawServer {
  readonly url: string;
  /** All bytes received, one entry per connection, in the order of connecting. */
  readonly received: readonly string[];
  /** Resolves once `count` requests are complete, over all connections. */
  requests(count: number): Promise<void>;
  close(): Promise<void>;
}

export interface RawExchange {
  /** Head and body as they came. */
  readonly request: string;
  /** Counts all requests, from 1. */
  readonly number: number;
  readonly socket: Socket;
}

export async function startRawServer(
  onRequest: (exchange: RawExchange) => void,
): Promise<RawServer> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const waiting: { count: number; resolve: () => void }[] = [];
  let requestCount = 0;
  const server = createServer((socket) => {
    const index = received.push('') - 1;
    let unread = '';
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received[index] = (received[index] ?? '') + chunk.toString();
      unread += chunk.toString();
      for (let request = firstRequest(unread); request !== ''; request = firstRequest(unread)) {
        unread = unread.slice(request.length);
        requestCount += 1;
        onRequest({ request, number: requestCount, socket });
        for (const waiter of waiting) if (requestCount >= waiter.count) waiter.resolve();
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    received,
    requests: (count) =>
      requestCount >= count
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push({ count, resolve })),
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => {
          resolve();
        });
      }),
  };
}

/** A whole answer. */
export function rawReply(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): string {
  const all = { 'content-length': String(Buffer.byteLength(body)), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${String(status)} X\r\n${lines.join('')}\r\n${body}`;
}

/** A whole answer of 200 whose body is sent zipped. */
export function zippedReply(body: string): Buffer {
  const zipped = gzipSync(body);
  const length = String(zipped.length);
  const head = `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), zipped]);
}

/** `''` while the first request in `text` is not complete. */
function firstRequest(text: string): string {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return '';
  const length = /^content-length: (\d+)/im.exec(text.slice(0, headEnd))?.[1] ?? '0';
  const end = headEnd + 4 + Number(length);
  return text.length < end ? '' : text.slice(0, end);
}
