import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Session } from '../../auth/auth.ts';
import type { Clock } from '../../lib/clock.ts';

/** Messages that may wait for a client to read them. One with more on the way is let go: it reads anew when it is back. */
export const MOST_UNSENT = 256;
/** Messages of a client: as many at once as it may watch groups, then so many a second. */
const MOST_MESSAGES_AT_ONCE = 1_000;
const MESSAGES_PER_SECOND = 50;
const PING_EVERY_MS = 54_000;
const PONG_WITHIN_MS = 60_000;
/** As long as a client may take to read anything at all. */
const WRITE_WITHIN_MS = 10_000;

/** RFC 6455 §7.4.1, as far as we say them. */
export const CLOSE = { goingAway: 1001, refused: 1008, tryAgainLater: 1013 } as const;

export interface Connection {
  readonly ws: WebSocket;
  /** Under `ws`: frames that were made once are written here directly, between the few that `ws` makes itself. */
  readonly socket: Duplex;
  readonly session: Session;
}

/** What a look at a client finds. */
export type Pulse = 'well' | 'session-over' | 'silent';

/** One browser tab or program that watches groups. */
export class PushClient {
  readonly session: Session;
  readonly groups = new Set<string>();
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #clock: Clock;
  #unsent = 0;
  #movedAt: number;
  #pingedAt: number;
  #messagesLeft = MOST_MESSAGES_AT_ONCE;
  #countedAt: number;
  #ponggedAt: number;

  constructor({ ws, socket, session }: Connection, clock: Clock) {
    this.#ws = ws;
    this.#socket = socket;
    this.#clock = clock;
    this.session = session;
    this.#movedAt = this.#pingedAt = this.#ponggedAt = this.#countedAt = clock.monotonic();
    ws.on('pong', () => {
      this.#ponggedAt = clock.monotonic();
    });
  }

  /** Too much is on its way already: nothing more may be pushed. */
  get isSlow(): boolean {
    return this.#unsent > MOST_UNSENT;
  }

  /** Counts a message of the client. False: it sends more than any page needs. */
  tryTakeMessage(): boolean {
    const at = this.#clock.monotonic();
    const regained = ((at - this.#countedAt) / 1000) * MESSAGES_PER_SECOND;
    this.#messagesLeft = Math.min(MOST_MESSAGES_AT_ONCE, this.#messagesLeft + regained);
    this.#countedAt = at;
    if (this.#messagesLeft < 1) return false;
    this.#messagesLeft -= 1;
    return true;
  }

  /** @param frames whole ones @param count how many */
  push(frames: Buffer, count: number): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    if (this.#unsent === 0) this.#movedAt = this.#clock.monotonic();
    this.#unsent += count;
    this.#socket.write(frames, () => {
      this.#unsent -= count;
      this.#movedAt = this.#clock.monotonic();
    });
  }

  /** Pings when it is time to. @param now wall clock, epoch milliseconds */
  look(now: number): Pulse {
    if (this.session.expiresAt <= now) return 'session-over';
    const at = this.#clock.monotonic();
    if (this.#unsent > 0 && at - this.#movedAt > WRITE_WITHIN_MS) return 'silent';
    if (at - this.#ponggedAt > PONG_WITHIN_MS) return 'silent';
    if (at - this.#pingedAt >= PING_EVERY_MS && this.#ws.readyState === this.#ws.OPEN) {
      this.#pingedAt = at;
      this.#ws.ping();
    }
    return 'well';
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
  }

  /** Without a word: nobody listens. */
  terminate(): void {
    this.#ws.terminate();
  }
}
