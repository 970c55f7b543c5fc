import { redact } from '../../lib/redaction.ts';
import { type Acted, ForgeError } from '../forge.ts';
import type { LimitVerdict } from './budget.ts';
import type { Call } from './call.ts';
import { WireFault, type WireReply } from './exchange.ts';
import { findRefusal, findSsoLink, isLostAccess, type Refusal } from './refusals.ts';
import { storableText } from './storable-text.ts';

/** The forge's own words are shown; a page of HTML is not. */
const LONGEST_QUOTE = 300;

const SSO_HINT = 'With SAML single sign-on, the organisation must have authorised the token';
/** Request timeout, misdirected, locked, too early: said of the moment, mostly by what stands in front of the forge. */
const PASSING = new Set([408, 421, 423, 425]);

/** With these GitHub refuses a dispatch; any other 4xx is the word of what stands in front of it, whatever its body looks like. */
const REFUSING = new Set([400, 401, 403, 404, 409, 413, 415, 422]);

/** What the forge, or what stands in front of it, says when making a page takes too long. */
const OF_A_LONG_LIST = new Set([500, 502, 503, 504]);

/** For texts: whose call failed at what. */
export interface Caller {
  /** `github.token` */
  readonly configKey: string;
  /** The forge's API, e.g. `https://api.github.com`. */
  readonly baseUrl: string;
}

/** @returns what a request without an answer means */
export function errorOfFault(fault: WireFault, call: Call, caller: Caller): ForgeError {
  const acted: Acted = fault.hasStarted && call.isMutation ? 'unknown' : 'no';
  if (fault.reason === 'refused-by-caller') {
    return new ForgeError(`not sent: ${call.doing}: the time to send it has passed`, {
      code: 'not-sent',
      acted,
    });
  }
  if (fault.reason === 'aborted') {
    return new ForgeError(`gave up on: ${call.doing}`, {
      code: fault.hasStarted ? 'unavailable' : 'not-sent',
      acted,
      cause: fault,
    });
  }
  return new ForgeError(`could not ${call.doing}: ${caller.baseUrl}: ${wordsOf(fault)}`, {
    code: 'unavailable',
    acted,
    cause: fault,
  });
}

function wordsOf({ reason, message }: WireFault): string {
  if (reason === 'timeout') return 'no answer in time';
  return reason === 'too-long' ? 'the answer is too long' : message;
}

export type PageTrouble = 'too-long' | 'not-in-time';

/** @returns why a smaller page of the same list may be answered where this one was not */
export function pageTroubleOf(error: unknown): PageTrouble | undefined {
  if (!(error instanceof ForgeError) || error.code !== 'unavailable') return undefined;
  if (error.status !== undefined) {
    return OF_A_LONG_LIST.has(error.status) ? 'not-in-time' : undefined;
  }
  if (!(error.cause instanceof WireFault) || !error.cause.hasStarted) return undefined;
  const { reason } = error.cause;
  if (reason === 'timeout') return 'not-in-time';
  return reason === 'too-long' ? reason : undefined;
}

/** @returns what an answer other than 2xx means */
export function errorOfReply(
  reply: WireReply,
  call: Call,
  caller: Caller,
  limit: LimitVerdict | undefined,
): ForgeError {
  const { status } = reply;
  const quote = quoteOf(reply);
  if (limit !== undefined) {
    return new ForgeError(`could not ${call.doing} now: rate limited${quote}`, {
      code: 'rate-limited',
      acted: 'no',
      status,
      retryAt: limit.retryAt,
    });
  }
  const acted: Acted = call.isMutation && !provesNothingHappened(reply, call) ? 'unknown' : 'no';
  const { code, advice, inputs } = meaningOf(reply, call, caller);
  return new ForgeError(`could not ${call.doing} (${String(status)}${quote}): ${advice}`, {
    code,
    acted,
    status,
    ...(inputs && { inputs }),
  });
}

/**
 * A 307 or 308 asks for the same request elsewhere: nothing was done here. Other redirects may follow a deed. So may a 408:
 * what stands in front of the forge can tire of waiting for an answer to what it has passed on. And so may a refusal that is not
 * GitHub's own: a firewall also inspects answers, and puts its page in the place of one that says what was started.
 */
function provesNothingHappened(reply: WireReply, call: Call): boolean {
  const { status } = reply;
  // Too large to be passed on.
  if (status === 307 || status === 308 || status === 413) return true;
  if (status === 408 || status < 400 || status >= 500) return false;
  return !isPageOfAnother(reply, call);
}

/** A firewall or gateway before the forge, which may mind what is in one dispatch: the next one may pass. Cancels are repeated anyway. */
function isPageOfAnother({ status, body, headers }: WireReply, { endpoint }: Call): boolean {
  if (endpoint !== 'dispatch') return false;
  const { message } = readErrorBody(body);
  const isGithubs = REFUSING.has(status) || PASSING.has(status);
  if (message === '' || !isGithubs) return true;
  const isKnown = findRefusal(status, message) !== undefined || findSsoLink(headers) !== undefined;
  return status === 403 && !isKnown && !isLostAccess(message);
}

function meaningOf(reply: WireReply, call: Call, caller: Caller): Refusal {
  const key = caller.configKey;
  const needs = call.needs === '' ? '' : `; it needs ${call.needs}`;
  const link = reply.status === 403 ? findSsoLink(reply.headers) : undefined;
  if (link !== undefined) return unauthorised(link, call, key);
  const { message } = readErrorBody(reply.body);
  const refusal = call.endpoint === 'dispatch' ? findRefusal(reply.status, message) : undefined;
  if (refusal !== undefined) return refusal;
  if (reply.status < 500 && !PASSING.has(reply.status) && isPageOfAnother(reply, call)) {
    return notGithubs(caller);
  }
  switch (reply.status) {
    case 401:
      return { code: 'auth', advice: `${key} was refused: put a valid token there` };
    case 403:
      if (message === '') return notGithubs(caller);
      return call.isAboutObject
        ? { code: 'no-access', advice: `${key} lacks a permission here${needs}. ${SSO_HINT}` }
        : { code: 'auth', advice: `${key} may not do this at all: check the token` };
    case 404:
      return { code: 'not-found', advice: `it does not exist, or ${key} cannot see it${needs}` };
    case 409:
      return { code: 'conflict', advice: 'its state does not allow it' };
    default:
      return meaningOfClass(reply.status, message !== '', caller);
  }
}

function unauthorised(link: string, { isAboutObject }: Call, key: string): Refusal {
  const advice = `single sign-on has not authorised ${key} yet: open ${link} and do so; the link is good for an hour`;
  return { code: isAboutObject ? 'no-access' : 'auth', advice };
}

/** @param isGithubs its body is an error of GitHub's API: a proxy that answers in its stead has none */
function meaningOfClass(
  status: number,
  isGithubs: boolean,
  { baseUrl }: Pick<Caller, 'baseUrl'>,
): Refusal {
  if (status >= 500) return { code: 'unavailable', advice: `${baseUrl} has a problem` };
  if (PASSING.has(status))
    return { code: 'unavailable', advice: `${baseUrl} does not take it now` };
  if (status >= 400 && isGithubs) {
    const advice =
      'it will be refused again: compare inputs, ref and the workflow_dispatch trigger of the workflow file';
    return { code: 'invalid', advice };
  }
  return notGithubs({ baseUrl });
}

function notGithubs({ baseUrl }: Pick<Caller, 'baseUrl'>): Refusal {
  const advice = `not an answer of GitHub's API: check github.base_url (${baseUrl}) and what stands before it`;
  return { code: 'bad-reply', advice };
}

export function badReply(what: string, call: Call, status?: number): ForgeError {
  return new ForgeError(`could not ${call.doing}: unexpected answer: ${what}`, {
    code: 'bad-reply',
    acted: call.isMutation ? 'unknown' : 'no',
    ...(status === undefined ? {} : { status }),
  });
}

/** The message of GitHub's error body, and what it says of single fields. */
function quoteOf(reply: WireReply): string {
  const { message, errors } = readErrorBody(reply.body);
  const text = [message, ...errors].filter((part) => part !== '').join('; ');
  // Before the cut: half a secret is one that nobody knows again.
  return text === '' ? '' : `: ${redact(text).slice(0, LONGEST_QUOTE).toWellFormed()}`;
}

function readErrorBody(body: string): { message: string; errors: string[] } {
  try {
    const parsed: unknown = JSON.parse(body);
    if (!isRecord(parsed)) return { message: '', errors: [] };
    const errors = Array.isArray(parsed['errors']) ? parsed['errors'] : [];
    return { message: textOf(parsed['message']), errors: errors.map(textOfFieldError) };
  } catch {
    return { message: '', errors: [] };
  }
}

function textOfFieldError(error: unknown): string {
  if (!isRecord(error)) return textOf(error);
  return [error['field'], error['code'], error['message']]
    .map(textOf)
    .filter((part) => part !== '')
    .join(' ');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? storableText(value) : '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
