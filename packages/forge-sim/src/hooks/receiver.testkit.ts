import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

/** Any JSON, read by the fields that the test expects. */
type Json = ReturnType<typeof JSON.parse>;

export interface Received {
  headers: IncomingHttpHeaders;
  raw: string;
  body: Json;
  /** As `workflow_job queued`. */
  what: string;
  /** Of the sender's socket: one for all that came over one connection. */
  port: number | undefined;
}

export interface Receiver {
  url: string;
  received: Received[];
}

/** A real server that takes webhooks; it is closed when the test ends. */
export async function startReceiver(
  answer: (response: ServerResponse) => void = (response) => response.writeHead(202).end(),
): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const port = request.socket.remotePort;
    text(request).then(
      (raw) => {
        const body: Json = JSON.parse(raw);
        const what = [request.headers['x-github-event'], body.action].filter(Boolean).join(' ');
        received.push({ headers: request.headers, raw, body, what, port });
        answer(response);
      },
      () => undefined,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${String(port)}/hook`, received };
}

export function signatureOf(secret: string, raw: string): string {
  return `sha256=${createHmac('sha256', secret).update(raw).digest('hex')}`;
}
