import { Agent, type Dispatcher } from 'undici';
import type { Clock } from '../../lib/clock.ts';
import { exchange, type WireReply, type WireRequest } from './exchange.ts';

/** A renamed repository or owner redirects once; a chain is a loop. */
const MAX_REDIRECTS = 3;

/** Longer than the send deadline: a connection that takes more is of no use to a dispatch. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Idle connections of dispatches live this long: enough for a burst, too short for a forge or a NAT on the way to
 * drop them unseen. A dispatch on a dropped connection is an unknown one, and costs minutes; a handshake costs
 * milliseconds.
 */
const DISPATCH_KEEP_ALIVE_MS = 4_000;
const READ_KEEP_ALIVE_MS = 30_000;

/** The sockets to one forge: dispatches and cancels have their own, so that no read stands before them. */
export class Wire {
  readonly #clock: Clock;
  readonly #mutations: Dispatcher;
  readonly #reads: Dispatcher;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#mutations = makeAgent(DISPATCH_KEEP_ALIVE_MS);
    this.#reads = makeAgent(READ_KEEP_ALIVE_MS);
  }

  /**
   * Follows redirects that keep the request what it is and stay on the same origin; each hop asks `maySend` anew
   * and has the whole timeout.
   *
   * @throws WireFault only
   */
  async send(request: WireRequest): Promise<WireReply> {
    const agent = request.method === 'GET' ? this.#reads : this.#mutations;
    let { url } = request;
    for (let hops = 0; ; hops += 1) {
      const reply = await exchange(agent, this.#clock, { ...request, url });
      const next = hops < MAX_REDIRECTS ? findRedirect(reply, url, request.method) : undefined;
      if (next === undefined) return reply;
      url = next;
    }
  }

  /** Cuts what is still under way. */
  async close(): Promise<void> {
    await Promise.all([this.#mutations.destroy(), this.#reads.destroy()]);
  }
}

function makeAgent(keepAliveMs: number): Dispatcher {
  return new Agent({
    // HTTP/1.1, one request at a time per connection: when a request fails, it is known whether it had begun.
    allowH2: false,
    pipelining: 1,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
  });
}

/** 307 and 308 promise that nothing was done here; 301 and 302 only say so to a GET. */
function findRedirect(reply: WireReply, from: string, method: string): string | undefined {
  const isKept = reply.status === 307 || reply.status === 308;
  const isForGet = method === 'GET' && (reply.status === 301 || reply.status === 302);
  const { location } = reply.headers;
  if (!(isKept || isForGet) || location === undefined || !URL.canParse(location, from)) {
    return undefined;
  }
  const target = new URL(location, from);
  // The token goes to nobody else.
  return target.origin === new URL(from).origin ? target.href : undefined;
}
