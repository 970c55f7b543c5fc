import { createHash } from 'node:crypto';
import { httpDate } from '../clock.ts';
import type { FaultSpec } from '../faults.ts';
import type { Forge } from '../forge.ts';
import type { Token } from '../world/state.ts';
import { findToken } from './access.ts';
import { type Endpoint, RestError, type RestReply } from './rest.ts';

/** A request as it came in, before anyone has looked at its token. */
export interface Call {
  endpoint: Endpoint;
  requestId: number;
  method: string;
  path: string;
  params: Record<string, string>;
  query: Record<string, string>;
  authorization: string | undefined;
  ifNoneMatch: string | undefined;
  bodyText: string | undefined;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  /** `undefined`: no body. */
  body: unknown;
  /** What is sent; default: `body` as JSON. */
  text?: string;
  /** The forge has done what was asked. */
  hasActed: boolean;
}

const DOCS_URL = 'https://docs.github.com/rest';
const LIMITS_DOCS = 'using-the-rest-api/rate-limits-for-the-rest-api';

/** Does what the call asks for, if its token, the limits and the world allow it. */
export function act(call: Call, forge: Forge): Answer {
  try {
    const reply = handle(call, forge);
    const answer = { body: reply.body, hasActed: true, status: reply.status };
    return withEtag(call, forge, { ...answer, headers: { ...reply.headers } });
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    return refusal(call, error);
  }
}

function handle(call: Call, forge: Forge): RestReply {
  const token = authenticate(call, forge);
  const account = forge.state.findAccount(token.login);
  if (account === undefined) throw new Error(`no account for the token of ${token.login}`);
  if (call.endpoint.isFree !== true) charge(call, token, account.id, forge);
  const { requestId: id, method, path, params, query, bodyText } = call;
  const bodyLength = bodyText?.length ?? 0;
  const body = parseBody(bodyText);
  const request = { id, method, path, params, query, body, bodyLength, token, account };
  return call.endpoint.handle(request, forge);
}

function authenticate({ authorization }: Call, { state }: Forge): Token {
  if (authorization === undefined) throw new RestError(401, 'Requires authentication');
  const token = findToken(state, authorization);
  if (token === undefined) throw new RestError(401, 'Bad credentials');
  return token;
}

function charge({ endpoint, method }: Call, { login }: Token, userId: number, forge: Forge): void {
  if (!forge.limits.tryCharge(login)) {
    throw new RestError(403, `API rate limit exceeded for user ID ${String(userId)}.`);
  }
  const isContent = endpoint.isContent ?? false;
  const call = { login, endpoint: endpoint.name, method, isContent };
  const waitS = forge.limits.findSecondaryWaitS(call);
  if (waitS !== undefined) throw secondaryLimit(forge.limits.secondary?.status ?? 403, waitS);
}

function secondaryLimit(status: number, retryAfterS: number): RestError {
  const message =
    'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';
  return new RestError(status, message, { 'retry-after': String(retryAfterS) });
}

function parseBody(text: string | undefined): unknown {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new RestError(400, 'Problems parsing JSON');
  }
}

function refusal(call: Call, error: RestError): Answer {
  const isLimit = error.message.includes('rate limit');
  const body = {
    message: error.message,
    documentation_url: `${DOCS_URL}/${isLimit ? LIMITS_DOCS : call.endpoint.docs}`,
    status: String(error.status),
  };
  return { status: error.status, headers: { ...error.headers }, body, hasActed: false };
}

/** ETags are bound to the token: another token's is never a match. A 304 costs no budget. */
function withEtag(call: Call, forge: Forge, answer: Answer): Answer {
  if (call.method !== 'GET' || answer.status !== 200 || call.endpoint.isFree === true)
    return answer;
  const hash = createHash('sha256').update(call.authorization ?? '');
  const text = JSON.stringify(answer.body);
  const etag = `W/"${hash.update(text).digest('hex')}"`;
  const headers = { ...answer.headers, etag, 'cache-control': 'private, max-age=60, s-maxage=60' };
  const known = call.ifNoneMatch?.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (known?.includes(etag.slice(2)) !== true) return { ...answer, headers, text };
  const login = findToken(forge.state, call.authorization)?.login;
  if (login !== undefined) forge.limits.refund(login);
  return { ...answer, status: 304, headers, body: undefined };
}

/** The answer of a fault that keeps the forge from acting; `undefined` for the other kinds. */
export function faultAnswer(call: Call, spec: FaultSpec, forge: Forge): Answer | undefined {
  const retryAfterS = spec.retryAfterS ?? 60;
  switch (spec.kind) {
    case 'not-found':
      return refusal(call, new RestError(404, 'Not Found'));
    case 'status-before':
      return brokenAnswer(call, spec);
    case 'secondary-limit':
      return refusal(call, secondaryLimit(spec.status ?? 403, retryAfterS));
    case 'rate-limit-429':
      return refusal(
        call,
        new RestError(spec.status ?? 429, 'API rate limit exceeded.', {
          'retry-after': String(retryAfterS),
          'x-ratelimit-remaining': '0',
          'x-ratelimit-reset': String(Math.ceil(forge.clock.now() / 1000) + retryAfterS),
        }),
      );
    case 'latency':
    case 'status-after':
    case 'reset-before':
    case 'reset-after':
    case 'unparsable':
    case 'hold':
    case 'hold-before':
    case 'odd-entry':
    case 'wrong-total':
    case 'shifting-pages':
      return undefined;
  }
}

/** What a broken server says instead of its answer. */
export function brokenAnswer(call: Call, spec: FaultSpec): Answer {
  const status = spec.status ?? 502;
  if (spec.html === true) return pageOfProxy(status);
  return refusal(call, new RestError(status, status >= 500 ? 'Server Error' : 'Refused'));
}

function pageOfProxy(status: number): Answer {
  const text = `<html><body><h1>${String(status)} Refused</h1></body></html>`;
  const headers = { 'content-type': 'text/html' };
  return { status, headers, body: undefined, text, hasActed: false };
}

/** Headers that every answer carries; what the answer says itself goes first. */
export function allHeaders(call: Call, answer: Answer, forge: Forge): Record<string, string> {
  const { clock, ghes } = forge;
  const requestId = call.requestId.toString(16).toUpperCase().padStart(4, '0');
  return {
    date: httpDate(clock.now()),
    server: 'forge-sim',
    'x-github-request-id': `${requestId}:1A2B:3C4D5E:6F7081:${clock.now().toString(16).toUpperCase()}`,
    'x-github-media-type': 'github.v3; format=json',
    'x-github-api-version-selected': '2022-11-28',
    ...(ghes === null
      ? {}
      : {
          'x-github-enterprise-version': `enterprise-server@${String(ghes.major)}.${String(ghes.minor)}.0`,
        }),
    ...rateHeaders(call, forge),
    ...(answer.body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
    ...answer.headers,
  };
}

function rateHeaders(call: Call, forge: Forge): Record<string, string> {
  const login = findToken(forge.state, call.authorization)?.login;
  const rate = login === undefined ? undefined : forge.limits.findRate(login);
  if (rate === undefined) return {};
  return {
    'x-ratelimit-limit': String(rate.limit),
    'x-ratelimit-remaining': String(rate.remaining),
    'x-ratelimit-reset': String(rate.reset),
    'x-ratelimit-used': String(rate.used),
    'x-ratelimit-resource': 'core',
  };
}
