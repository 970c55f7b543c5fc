import {
  type ClientRequest,
  Agent as HttpAgent,
  type OutgoingHttpHeaders,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { afterRealMs, startStopwatch } from '../clock.ts';

/** A receiver that hangs must not use up our file descriptors; the rest waits, within its timeout. */
const MAX_SOCKETS = 256;

export interface Posting {
  url: URL;
  headers: OutgoingHttpHeaders;
  body: Buffer;
}

export interface PostOutcome {
  /** null: no answer. */
  status: number | null;
  /** In real time, to the last byte of the answer. */
  durationMs: number;
  /** Why there is no answer. */
  error?: string;
}

/** Posts over kept-alive connections; follows no redirect and tries nothing twice, as GitHub. */
export class HookSender {
  readonly #timeoutMs: number;
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  readonly #https = new HttpsAgent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  readonly #open = new Set<ClientRequest>();
  readonly #queue: (() => void)[] = [];
  #isDue = false;
  #isClosed = false;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Posts in a later turn of the event loop, one each: whoever made the world move is answered
   * before anything is written and signed. `onEnd` is called once, unless it is closed before.
   */
  post(write: () => Posting, onEnd: (outcome: PostOutcome) => void): void {
    this.#queue.push(() => this.#postNow(write(), onEnd));
    this.#awaitTurn();
  }

  #awaitTurn(): void {
    if (this.#isDue || this.#isClosed || this.#queue.length === 0) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (!this.#isClosed) this.#queue.shift()?.();
      this.#awaitTurn();
    });
  }

  #postNow({ url, headers, body }: Posting, onEnd: (outcome: PostOutcome) => void): void {
    const elapsedMs = startStopwatch();
    const isTls = url.protocol === 'https:';
    const options = { method: 'POST', headers, agent: isTls ? this.#https : this.#http };
    const request = (isTls ? requestHttps : requestHttp)(url, options);
    const cancelTimeout = afterRealMs(this.#timeoutMs, () => {
      request.destroy(new Error(`no answer within ${String(this.#timeoutMs)} ms`));
    });
    const settle = (outcome: Omit<PostOutcome, 'durationMs'>): void => {
      cancelTimeout();
      if (this.#open.delete(request)) onEnd({ ...outcome, durationMs: elapsedMs() });
    };
    let status: number | null = null;
    this.#open.add(request);
    request.once('response', (response) => {
      status = response.statusCode ?? null;
      response.once('close', () => settle({ status }));
      response.on('error', () => undefined);
      response.resume();
    });
    request.on('error', (error) => {
      // An answer that breaks off in its body is an answer.
      settle({ status, error: error.message || error.name });
    });
    request.end(body);
  }

  /** Cuts what is under way; nothing of it is reported. */
  close(): void {
    this.#isClosed = true;
    const open = [...this.#open];
    this.#open.clear();
    for (const request of open) request.destroy();
    this.#http.destroy();
    this.#https.destroy();
  }
}
