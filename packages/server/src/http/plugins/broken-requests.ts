import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ErrorBody } from '@dispatchoor/api-contract';
import type { FastifyBaseLogger } from 'fastify';
import type { Clock } from '../../lib/clock.ts';
import { uuidv7 } from '../../lib/ids.ts';
import { badRequest } from '../errors.ts';

/** What Node's parser gives up on, before there is a request; all else is `400 invalid-http`. */
const ANSWERS: Readonly<Record<string, readonly [status: string, code: string, error: string]>> = {
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    'headers-too-large',
    'the headers have more than 16 KiB; send fewer or shorter ones',
  ],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [
    '413 Payload Too Large',
    'body-too-large',
    'the chunk extensions of the body have more than 16 KiB; send none',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    '408 Request Timeout',
    'request-too-slow',
    'the request came too slowly',
  ],
};

/** Answers as all other errors are answered, and ends the connection: where the next request begins is not known. */
export function answerBrokenRequests(
  clock: Clock,
  logger: FastifyBaseLogger,
): (error: NodeJS.ErrnoException, socket: Socket) => void {
  return (error, socket) => {
    const requestId = uuidv7(clock.now());
    if (error.code === 'ECONNRESET' || !socket.writable || isBeingAnswered(socket)) {
      socket.destroy();
      return;
    }
    const [status, code, text] = ANSWERS[error.code ?? ''] ?? [
      '400 Bad Request',
      'invalid-http',
      'this is not HTTP/1.1 as a server can read it',
    ];
    logger.debug({ requestId, reason: error.code, status }, 'request not understood');
    const body = JSON.stringify({ error: text, code } satisfies ErrorBody);
    const head = [
      `HTTP/1.1 ${status}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${requestId}`,
      'x-content-type-options: nosniff',
      'connection: close',
    ];
    socket.end([...head, '', body].join('\r\n'), () => {
      socket.destroySoon();
    });
  };
}

/** Part of an answer to the request before is out: ours would be taken for the rest of it. */
function isBeingAnswered(socket: Socket): boolean {
  // Where Node keeps it, and looks at it in the same place.
  const answer: unknown = Reflect.get(socket, '_httpMessage');
  return (
    typeof answer === 'object' && answer !== null && Reflect.get(answer, '_headerSent') === true
  );
}

/** onRequest hook. RFC 9112 §3.2; Node would refuse it with an empty 400. */
export async function requireHost({ raw }: { readonly raw: IncomingMessage }): Promise<void> {
  if (raw.httpVersion === '1.1' && raw.headers.host === undefined) {
    throw badRequest('the Host header is missing', 'invalid-http');
  }
}
