import type { IncomingMessage } from 'node:http';
import { HttpError } from './errors.ts';

/** The most that GitHub sends. */
const LARGEST_BODY_BYTES = 25 * 1024 * 1024;
/** Of what exceeds this, all deliveries together may hold only so much: who floods us with large ones stops those only. */
const ALWAYS_HELD_BYTES = 128 * 1024;
const MOST_HELD_BYTES = 64 * 1024 * 1024;

const tooLarge = new HttpError(413, 'body-too-large', 'the body has more than 25 MiB; send less', {
  connection: 'close',
});

/** Throws 413, by what the headers say: nothing has been read yet. */
export function refuseLargeBody({ headers }: IncomingMessage): void {
  if (Number(headers['content-length'] ?? 0) > LARGEST_BODY_BYTES) throw tooLarge;
}

/** Reads bodies; what they all hold in memory at one time is bounded. */
export class WebhookBodies {
  #heldBytes = 0;

  /**
   * Hands each piece to `take` as it comes, and what came to `use` in one.
   *
   * @throws HttpError 413, 503 with Retry-After; 400 when the sender goes away
   */
  async read<T>(
    raw: IncomingMessage,
    take: (bytes: Uint8Array) => void,
    use: (body: Uint8Array) => Promise<T>,
  ): Promise<T> {
    const held = { bytes: 0 };
    try {
      const pieces = await this.#collect(raw, take, held);
      return await use(pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces));
    } finally {
      this.#heldBytes -= Math.max(0, held.bytes - ALWAYS_HELD_BYTES);
    }
  }

  async #collect(
    raw: IncomingMessage,
    take: (bytes: Uint8Array) => void,
    held: { bytes: number },
  ): Promise<Buffer[]> {
    const pieces: Buffer[] = [];
    try {
      // Destroyed, the stream would take the socket with it, and the answer.
      for await (const piece of raw.iterator({ destroyOnReturn: false })) {
        this.#hold(held, (piece as Buffer).length);
        take(piece as Buffer);
        pieces.push(piece as Buffer);
      }
    } catch (error) {
      if (error instanceof HttpError) throw error;
      throw new HttpError(400, 'aborted', 'the body ended early');
    }
    return pieces;
  }

  #hold(held: { bytes: number }, more: number): void {
    if (held.bytes + more > LARGEST_BODY_BYTES) throw tooLarge;
    const before = Math.max(0, held.bytes - ALWAYS_HELD_BYTES);
    held.bytes += more;
    this.#heldBytes += Math.max(0, held.bytes - ALWAYS_HELD_BYTES) - before;
    if (this.#heldBytes <= MOST_HELD_BYTES) return;
    throw new HttpError(503, 'busy', 'too many large webhooks at once; send it again', {
      'retry-after': '10',
      connection: 'close',
    });
  }
}
