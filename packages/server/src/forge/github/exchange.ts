import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Dispatcher } from 'undici';
import type { Clock } from '../../lib/clock.ts';

const unzip = promisify(gunzip);

/**
 * A page of 100 runs is mostly some 2 MB at the most, but each shows the whole message of its commit: a longer one is asked
 * for in smaller pages. Up to 16 are read at once with each credential.
 */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** One request on the wire. Redirects are not followed. */
export interface WireRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** From here to the last byte of the answer, connecting included. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Asked once, in the same turn of the event loop in which the first byte would be written. */
  readonly maySend: () => boolean;
}

export interface WireReply {
  readonly status: number;
  /** Lower-case names; repeated ones joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /**
   * Our wall clock, directly before the first byte left; epoch milliseconds. If it was put back since: as it would have
   * shown then, for against the clock of now the older reading lies in the future.
   */
  readonly sentAt: number;
  /** Our wall clock, when the head of the answer was here. */
  readonly receivedAt: number;
}

export type WireFaultReason =
  | 'refused-by-caller'
  | 'aborted'
  | 'timeout'
  /** The answer: it was not read to its end. */
  | 'too-long'
  | 'network';

/** There is no answer. `hasStarted`: bytes may have left, so the forge may have acted. */
export class WireFault extends Error {
  override readonly name = 'WireFault';
  readonly reason: WireFaultReason;
  readonly hasStarted: boolean;

  constructor(reason: WireFaultReason, hasStarted: boolean, cause?: unknown) {
    super(`${reason}${cause instanceof Error ? `: ${describe(cause)}` : ''}`, { cause });
    this.reason = reason;
    this.hasStarted = hasStarted;
  }
}

/**
 * Sends one request exactly once. undici calls `onRequestStart` on a connected socket and writes the first bytes
 * in the same call, and it puts a request that has not got so far back into its queue when a kept-alive socket
 * turns out to be dead: so what comes before `onRequestStart` provably sent nothing, and a second
 * `onRequestStart` (no version is known to do that) is refused here.
 *
 * @throws WireFault only
 */
export function exchange(
  dispatcher: Dispatcher,
  clock: Clock,
  request: WireRequest,
): Promise<WireReply> {
  return new Promise((resolve, reject) => {
    const run = new Run(clock, request, resolve, reject);
    run.start(dispatcher);
  });
}

class Run implements Dispatcher.DispatchHandler {
  readonly #clock: Clock;
  readonly #request: WireRequest;
  readonly #resolve: (reply: WireReply) => void;
  readonly #reject: (fault: WireFault) => void;
  readonly #chunks: Buffer[] = [];
  #byteCount = 0;
  #status = 0;
  #headers: Record<string, string> = {};
  #sentAt = 0;
  /** Monotonic milliseconds. */
  #startedAt = 0;
  #receivedAt = 0;
  #hasStarted = false;
  #isSettled = false;
  #controller: Dispatcher.DispatchController | undefined;
  #release: () => void = () => undefined;

  constructor(
    clock: Clock,
    request: WireRequest,
    resolve: (reply: WireReply) => void,
    reject: (fault: WireFault) => void,
  ) {
    this.#clock = clock;
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(dispatcher: Dispatcher): void {
    const { url, method, headers, body, signal, timeoutMs } = this.#request;
    if (signal.aborted) {
      this.#fail('aborted', signal.reason);
      return;
    }
    const onAbort = (): void => {
      this.#fail('aborted', signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const cancelTimeout = this.#clock.after(timeoutMs, () => {
      this.#fail('timeout');
    });
    this.#release = () => {
      signal.removeEventListener('abort', onAbort);
      cancelTimeout();
    };
    const { origin, pathname, search } = new URL(url);
    try {
      dispatcher.dispatch(
        {
          origin,
          path: `${pathname}${search}`,
          method,
          headers: { ...headers, 'accept-encoding': 'gzip' },
          // A buffer, not a stream: undici then writes head and body in the call that asks `maySend`.
          body: body === undefined ? null : Buffer.from(body),
          // Ours is the only timeout: it covers everything and runs on our clock.
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        this,
      );
    } catch (error) {
      this.#fail('network', error);
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isSettled || this.#hasStarted) {
      this.#fail('network', new Error('the client tried to send a request twice'));
      controller.abort(new Error('not sent'));
      return;
    }
    if (!this.#request.maySend()) {
      this.#fail('refused-by-caller');
      controller.abort(new Error('not sent'));
      return;
    }
    this.#hasStarted = true;
    this.#controller = controller;
    this.#sentAt = this.#clock.now();
    this.#startedAt = this.#clock.monotonic();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (statusCode < 200) return;
    this.#status = statusCode;
    this.#receivedAt = this.#clock.now();
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) {
        this.#headers[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
      }
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#byteCount += chunk.length;
    if (this.#byteCount > MAX_BODY_BYTES) {
      this.#fail('too-long');
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const raw = Buffer.concat(this.#chunks);
    const isZipped = /\bgzip\b/i.test(this.#headers['content-encoding'] ?? '');
    if (!isZipped || raw.length === 0) {
      this.#succeed(raw.toString('utf8'));
      return;
    }
    unzip(raw, { maxOutputLength: MAX_BODY_BYTES }).then(
      (plain) => {
        this.#succeed(plain.toString('utf8'));
      },
      (error: unknown) => {
        this.#fail(isTooLong(error) ? 'too-long' : 'network', error);
      },
    );
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail('network', error);
  }

  #succeed(body: string): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#release();
    this.#resolve({
      status: this.#status,
      headers: this.#headers,
      body,
      sentAt: this.#sentAtByNow(),
      receivedAt: this.#receivedAt,
    });
  }

  /** The earlier: a clock that ran further than the monotonic one may have been put forward, or the machine slept. */
  #sentAtByNow(): number {
    const elapsedMs = Math.ceil(this.#clock.monotonic() - this.#startedAt);
    return Math.min(this.#sentAt, this.#clock.now() - elapsedMs);
  }

  #fail(reason: WireFaultReason, cause?: unknown): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#release();
    this.#reject(new WireFault(reason, this.#hasStarted, cause));
    this.#controller?.abort(new Error(reason));
  }
}

/** What it unzips to is longer than asked for. */
function isTooLong(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}

/** `connect ECONNREFUSED 127.0.0.1:80`; an AggregateError (one per address tried) has an empty message itself. */
function describe(error: Error): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) {
    return error.errors[0].message;
  }
  return error.message === '' ? error.name : error.message;
}
