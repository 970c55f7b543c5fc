import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Clock } from '../lib/clock.ts';
import { badRequest, bodyTooSlow, HttpError } from './errors.ts';

/** The most that GitHub sends. */
const LARGEST_BODY_BYTES = 25 * 1024 * 1024;
/** Of what exceeds this, all deliveries together may hold only so much: who floods us with large ones stops those only. */
const ALWAYS_HELD_BYTES = 128 * 1024;
const MOST_HELD_BYTES = 64 * 1024 * 1024;
/** What a piece costs besides its bytes: a body may come in pieces of one byte. */
const PIECE_COST_BYTES = 256;
/** One more, and the oldest is given up: a delivery of GitHub takes milliseconds, what is slow is none. */
const MOST_UNFINISHED = 256;
/** As long as GitHub itself waits for its answer. */
const BODY_WITHIN_MS = 10_000;

const tooLarge = new HttpError(413, 'body-too-large', 'the body has more than 25 MiB; send less', {
  connection: 'close',
});

const busy = new HttpError(503, 'busy', 'too many webhooks at once; send it again', {
  'retry-after': '10',
  connection: 'close',
});

/** Throws 413, by what the headers say: nothing has been read yet. */
export function refuseLargeBody({ headers }: IncomingMessage): void {
  if (Number(headers['content-length'] ?? 0) > LARGEST_BODY_BYTES) throw tooLarge;
}

interface Held {
  readonly pieces: Buffer[];
  bytes: number;
}

/** Reads bodies; how many come in at one time is bounded, and what they all hold in memory. */
export class WebhookBodies {
  readonly #clock: Clock;
  /** What gives each of them up, the oldest first. */
  readonly #unfinished = new Set<(why: HttpError) => void>();
  #sharedBytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Hands each piece to `take` as it comes, and what came to `use` in one.
   *
   * @throws HttpError 413, 503 with Retry-After; 408, or 400 when the sender goes away
   */
  async read<T>(
    raw: Readable,
    take: (bytes: Uint8Array) => void,
    use: (body: Uint8Array) => Promise<T>,
  ): Promise<T> {
    const held: Held = { pieces: [], bytes: 0 };
    try {
      await this.#collect(raw, held, take);
      const { pieces } = held;
      return await use(pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces));
    } finally {
      this.#sharedBytes -= sharedBytesOf(held);
    }
  }

  async #collect(raw: Readable, held: Held, take: (bytes: Uint8Array) => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const onData = (piece: Buffer): void => {
      try {
        this.#hold(held, piece);
        take(piece);
      } catch (error) {
        reject(error);
      }
    };
    const onGone = (): void => {
      reject(badRequest('the body ended early', 'aborted'));
    };
    const forget = this.#watch(reject);
    raw.on('error', onGone).on('close', onGone);
    raw.on('end', () => {
      resolve(undefined);
    });
    try {
      if (raw.destroyed) onGone();
      else raw.on('data', onData);
      await promise;
    } finally {
      forget();
      raw.off('data', onData).pause();
    }
  }

  #watch(giveUp: (why: HttpError) => void): () => void {
    const [oldest] = this.#unfinished;
    if (oldest !== undefined && this.#unfinished.size >= MOST_UNFINISHED) {
      this.#unfinished.delete(oldest);
      oldest(busy);
    }
    this.#unfinished.add(giveUp);
    const cancel = this.#clock.after(BODY_WITHIN_MS, () => {
      giveUp(bodyTooSlow);
    });
    return () => {
      cancel();
      this.#unfinished.delete(giveUp);
    };
  }

  #hold(held: Held, piece: Buffer): void {
    if (held.bytes + piece.length > LARGEST_BODY_BYTES) throw tooLarge;
    const before = sharedBytesOf(held);
    held.bytes += piece.length;
    held.pieces.push(piece);
    this.#sharedBytes += sharedBytesOf(held) - before;
    if (this.#sharedBytes > MOST_HELD_BYTES) throw busy;
  }
}

/** What it takes of the memory that all share. */
function sharedBytesOf({ bytes, pieces }: Held): number {
  return Math.max(0, bytes + pieces.length * PIECE_COST_BYTES - ALWAYS_HELD_BYTES);
}
