import { Octokit } from '@octokit/core';
import type { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { redact } from '../../lib/redaction.ts';
import { yieldToOthers } from '../../lib/yield.ts';
import { ForgeError, type ForgeErrorCode } from '../forge.ts';
import type { Answer, Call, EndpointName } from './call.ts';
import type { Connection } from './connection.ts';
import type { DateOffsetEstimator } from './date-offset.ts';
import { WireFault, type WireReply } from './exchange.ts';
import { badReply, errorOfFault, errorOfReply } from './failure.ts';
import { hasLongNumber, parseShortNumbers } from './json.ts';
import { OddEntries } from './odd-entries.ts';
import { PageSizes } from './page-sizes.ts';
import type { Page } from './pages.ts';
import { Slots } from './slots.ts';
import type { Wire } from './wire.ts';

/** Reads in flight per credential. GitHub allows 100, for all programs of the user together. */
const MAX_READS = 16;

export type RequestOutcome = 'ok' | ForgeErrorCode;

export interface ClientOptions {
  readonly baseUrl: string;
  readonly userAgent: string;
  readonly timeoutMs: number;
  readonly connection: Connection;
  readonly wire: Wire;
  readonly dateOffset: DateOffsetEstimator;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called once for each request that was sent or tried. */
  readonly onRequest: (endpoint: EndpointName, outcome: RequestOutcome) => void;
}

export type SendRequest = (request: Octokit['request']) => Promise<{ data: unknown }>;

/** Characters. To parse it takes milliseconds, and so does to check what it says: a turn of the event loop for each. */
const LONG_BODY = 200_000;

/**
 * All requests of one credential. octokit makes the request from its typed route and reads JSON with long integers; sending,
 * limits and what a failure means are ours: octokit's own errors (a network fault is a "status 500" there) are
 * not looked at.
 */
export class GithubClient {
  readonly connection: Connection;
  readonly pageSizes: PageSizes;
  readonly #options: ClientOptions;
  readonly #octokit: Octokit;
  readonly #slots = new Slots(MAX_READS);
  readonly #oddEntries: OddEntries;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.connection = options.connection;
    const { baseUrl, userAgent, clock, logger } = options;
    this.pageSizes = new PageSizes(clock, logger);
    this.#oddEntries = new OddEntries(logger);
    const log = (message: string): void => {
      logger.debug({ detail: message }, 'octokit');
    };
    this.#octokit = new Octokit({
      baseUrl,
      userAgent,
      log: { debug: log, info: log, warn: log, error: log },
    });
  }

  /**
   * Sends at most one request, redirects aside.
   *
   * @returns the answer, 2xx, or 304 where the call has an ETag
   * @throws ForgeError only
   */
  async ask(call: Call, signal: AbortSignal, send: SendRequest): Promise<Answer> {
    this.#assertConfigured(call);
    // A dispatch was let through by `takeDispatch` just now; between its claim and its first byte nothing waits.
    if (call.share !== 'dispatch') await this.connection.keeper.refresh();
    this.#assertAllowed(call);
    if (call.isMutation) return this.#exchange(call, signal, send);
    const giveBack = await this.#slots.take(call.about, signal);
    if (giveBack === undefined) throw notSent(call);
    try {
      // Those before us in line may have met a limit.
      this.#assertAllowed(call);
      return await this.#exchange(call, signal, send);
    } finally {
      giveBack();
    }
  }

  /**
   * The page of a list without those of its entries that are not as documented, which are told of.
   *
   * @throws ForgeError `bad-reply` where it is no such page
   */
  readPage<T>(schema: z.ZodType<Page<T>>, answer: Answer, call: Call): Page<T> {
    const page = parseAnswer(schema, answer, call);
    this.#oddEntries.log(call.doing, page.odd);
    if (page.total === null) this.#oddEntries.logUncounted(call.endpoint, call.doing);
    return page;
  }

  /** Asked before work of one or more requests: only then may a scarce budget say "later". */
  async admit(call: Call): Promise<void> {
    this.#assertConfigured(call);
    await this.connection.keeper.refresh();
    const retryAt = this.connection.budget.admit(call.share);
    if (retryAt !== null) throw this.#limited(call, retryAt);
  }

  async #exchange(call: Call, signal: AbortSignal, send: SendRequest): Promise<Answer> {
    const { onRequest } = this.#options;
    try {
      const answer = await this.#send(call, signal, send);
      onRequest(call.endpoint, 'ok');
      return answer;
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
      if (error.code !== 'not-sent') onRequest(call.endpoint, error.code);
      // It quotes the forge, or whoever answers in its stead: a gateway may repeat the headers that it got.
      error.message = redact(error.message);
      throw error;
    }
  }

  async #send(call: Call, signal: AbortSignal, send: SendRequest): Promise<Answer> {
    const token = await this.#getToken(call);
    let reply: WireReply | undefined;
    let fault: unknown;
    const fetch = async (url: string, init: FetchInit): Promise<Response> => {
      assertKeepsPath(url);
      try {
        reply = await this.#options.wire.send(this.#wireRequest(call, signal, url, init));
      } catch (error) {
        fault = error;
        throw error;
      }
      return responseOf(reply);
    };
    const request = this.#octokit.request.defaults({
      headers: headersOf(call, token),
      request: { fetch },
    });
    let data: unknown;
    try {
      data = (await send(request)).data;
    } catch (error) {
      // A status from 300 on is an error to octokit; we have the reply itself.
      if (reply === undefined) throw this.#errorOf(fault ?? error, call);
    }
    const isLong = reply !== undefined && reply.body.length > LONG_BODY;
    if (isLong) await yieldToOthers();
    if (reply !== undefined && !hasLongNumber(reply.body)) data = parseShortNumbers(reply.body);
    if (isLong) await yieldToOthers();
    return this.#read(reply, data, call);
  }

  #read(reply: WireReply | undefined, data: unknown, call: Call): Answer {
    if (reply === undefined) throw badReply('none', call);
    const { connection, dateOffset } = this.#options;
    // A gateway that answers in the forge's stead has a clock of its own.
    if (reply.status < 500) {
      dateOffset.observe(reply.headers['date'], reply.sentAt, reply.receivedAt);
    }
    const { offsetMs } = dateOffset.offset();
    const request = { target: call.doing, isMutation: call.isMutation };
    const limit = connection.budget.learn(reply, offsetMs, request);
    if (reply.status !== 304) connection.budget.noteSpent(call.share);
    connection.keeper.noteChange(limit !== undefined);
    const isUnchanged = reply.status === 304 && call.etag !== undefined;
    if (!isUnchanged && (reply.status < 200 || reply.status >= 300)) {
      const error = errorOfReply(reply, call, this.#caller(), limit);
      if (error.code === 'auth') {
        if (call.about === '') connection.noteFails(error);
        else connection.noteRefused(error);
      }
      throw error;
    }
    connection.noteWorks();
    const { status, headers, sentAt } = reply;
    return { status, headers, data, sentAt, forgeSentAt: sentAt + offsetMs };
  }

  #wireRequest(
    call: Call,
    signal: AbortSignal,
    url: string,
    init: FetchInit,
  ): Parameters<Wire['send']>[0] {
    return {
      url,
      method: init.method,
      headers: init.headers,
      body: init.body,
      signal,
      timeoutMs: this.#options.timeoutMs,
      maySend: call.maySend ?? (() => true),
    };
  }

  #errorOf(error: unknown, call: Call): ForgeError {
    if (error instanceof WireFault) return errorOfFault(error, call, this.#caller());
    // octokit refused to make a request from these parameters: nothing was sent.
    const detail = error instanceof Error ? error.message : 'unknown error';
    return new ForgeError(`could not ${call.doing}: ${detail}`, {
      code: 'invalid',
      acted: 'no',
      cause: error,
    });
  }

  async #getToken(call: Call): Promise<string> {
    const { source } = this.connection;
    try {
      return await source.getToken();
    } catch (error) {
      if (error instanceof ForgeError) throw error;
      throw new ForgeError(`could not ${call.doing}: no token from ${source.configKey}`, {
        code: 'auth',
        acted: 'no',
        cause: error,
      });
    }
  }

  #assertConfigured(call: Call): void {
    const { source } = this.connection;
    if (source.isConfigured) return;
    throw new ForgeError(`could not ${call.doing}: set ${source.configKey}`, {
      code: 'auth',
      acted: 'no',
    });
  }

  #assertAllowed(call: Call): void {
    const isMore = call.isContinued === true && call.share === 'poll';
    const retryAt = this.connection.budget.retryAt(isMore ? 'track' : call.share);
    if (retryAt !== null) throw this.#limited(call, retryAt);
  }

  #limited(call: Call, retryAt: number): ForgeError {
    const key = this.connection.source.configKey;
    return new ForgeError(`not sent: ${call.doing}: the request budget of ${key} is used up`, {
      code: 'rate-limited',
      acted: 'no',
      retryAt,
    });
  }

  #caller(): { configKey: string; baseUrl: string } {
    return { configKey: this.connection.source.configKey, baseUrl: this.#options.baseUrl };
  }
}

/** What octokit passes to fetch, as far as our routes go. */
interface FetchInit {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** An owner, repository or workflow named `..` would make it another endpoint of the forge, with our token. */
function assertKeepsPath(url: string): void {
  const isClimbing = url.split(/[/?#]/).some((part) => part === '.' || part === '..');
  if (isClimbing) throw new Error('"." and ".." are no names');
}

function headersOf(call: Call, token: string): Record<string, string> {
  return {
    authorization: `Bearer ${token}`,
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
    ...(call.etag === undefined ? {} : { 'if-none-match': call.etag }),
  };
}

/**
 * For octokit, which reads JSON by its content type and hands back as text what does not parse. It calls a function for
 * each value there is, for the sake of long integers: without one it gets no body, we read that several times faster.
 */
function responseOf(reply: WireReply): Response {
  const hasBody = ![204, 205, 304].includes(reply.status) && hasLongNumber(reply.body);
  return new Response(hasBody ? reply.body : null, {
    status: reply.status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
  });
}

function notSent(call: Call): ForgeError {
  return new ForgeError(`not sent: ${call.doing}`, { code: 'not-sent', acted: 'no' });
}

/** @throws ForgeError `bad-reply` naming the fields that are wrong, never their values */
export function parseAnswer<T extends z.ZodType>(
  schema: T,
  answer: Answer,
  call: Call,
): z.infer<T> {
  const parsed = schema.safeParse(answer.data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'body' : issue.path.join('.');
  throw badReply(`${where}: ${issue?.message ?? 'wrong'}`, call, answer.status);
}
