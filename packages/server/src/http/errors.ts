import type { ErrorBody } from '@dispatchoor/api-contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { StoreError, type StoreErrorCode } from '../store/port/store.ts';

/** An answer that is not the wished-for one: status, JSON body and headers. Its message is shown to the caller. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly statusCode: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    statusCode: number,
    code: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
    this.headers = headers;
  }
}

export const badRequest = (message: string, code = 'invalid-request'): HttpError =>
  new HttpError(400, code, message);

export const notFound = (what: string): HttpError =>
  new HttpError(404, `unknown-${what}`, `${what} not found`);

/** Refused by the guard of a subtree: answered as text, the way clients know it. */
export class GuardRefusal extends Error {
  override readonly name = 'GuardRefusal';
  readonly statusCode: 401 | 403;

  constructor(statusCode: 401 | 403) {
    super(statusCode === 401 ? 'Unauthorized' : 'Forbidden');
    this.statusCode = statusCode;
  }
}

const RETRY_SOON = { 'retry-after': '5' };

/** A database that is away is never a 401: clients log their users out on any 401. */
const STORE_ERRORS: Readonly<Record<StoreErrorCode, HttpError | undefined>> = {
  unavailable: new HttpError(
    503,
    'database-unavailable',
    'the database cannot be used now (its state is in /api/v1/status and in the log); nothing was changed, try again',
    RETRY_SOON,
  ),
  'outcome-unknown': new HttpError(
    503,
    'outcome-unknown',
    'the database went away while it saved: this may or may not have happened; look before you try again, or repeat it with the same Idempotency-Key',
    RETRY_SOON,
  ),
  schema: undefined,
  'unknown-group': badRequest('group not found', 'unknown-group'),
  'unknown-template': badRequest('template not found in this group', 'unknown-template'),
  'key-reused': new HttpError(
    422,
    'key-reused',
    'this Idempotency-Key came with another request before; use a new key',
  ),
};

/** The one error handler. What it does not know is our fault: logged whole, answered bare. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  if (error instanceof GuardRefusal) {
    reply.code(error.statusCode).type('text/plain; charset=utf-8').send(`${error.message}\n`);
    return;
  }
  const known = findHttpError(error);
  if (known === undefined) {
    request.log.error({ err: error }, 'request failed');
    const body: ErrorBody = { error: 'internal error', code: 'internal', request_id: request.id };
    reply.code(500).type(JSON_TYPE).send(JSON.stringify(body));
    return;
  }
  // What says no more than the line of the request must not fill the log in a flood of them.
  const isRefusal = known === error;
  if (known.statusCode >= 500 && !isRefusal) request.log.warn({ err: error }, 'request not served');
  // Where it was made says nothing: it is the same object each time.
  if (known === tookTooLong)
    request.log.warn('request given up: nothing was answered to it in time');
  const body: ErrorBody = { error: known.message, code: known.code };
  reply.code(known.statusCode).headers(known.headers).type(JSON_TYPE).send(JSON.stringify(body));
}

const JSON_TYPE = 'application/json; charset=utf-8';

function findHttpError(error: unknown): HttpError | undefined {
  if (error instanceof HttpError) return error;
  if (error instanceof StoreError) return STORE_ERRORS[error.code];
  return findFrameworkError(error);
}

export const bodyTooSlow = new HttpError(408, 'body-too-slow', 'the body came too slowly', {
  connection: 'close',
});

export const tookTooLong = new HttpError(
  504,
  'timeout',
  'this took too long and was given up; try again',
);

/** What a URL cannot be. Fastify would repeat it, and it may hold a token. */
const badUrl = badRequest('the path of the URL is not well encoded');

/** Fastify's own refusals keep their 4xx. */
function findFrameworkError(error: unknown): HttpError | undefined {
  if (!(error instanceof Error) || !('statusCode' in error) || !('code' in error)) return undefined;
  const { statusCode, code } = error;
  if (typeof statusCode !== 'number') return undefined;
  if (code === 'FST_ERR_BAD_URL') return badUrl;
  if (code === 'FST_ERR_MAX_PARAM_LENGTH') {
    return new HttpError(414, 'invalid-request', 'a part of the path is too long');
  }
  if (statusCode === 413) {
    return new HttpError(
      413,
      'body-too-large',
      'the body has more bytes than are read here; send less',
    );
  }
  if (statusCode < 400 || statusCode > 499) return undefined;
  return new HttpError(statusCode, 'invalid-request', error.message);
}
