import type { Clock } from '../lib/clock.ts';

/** Failures that cost nobody a wait: a person who looks for the right one of his passwords. */
const AT_ONCE = 10;
/** Whose turn comes later than this does not wait for it. */
const LONGEST_WAIT_MS = 5_000;
const SWEEP_EVERY_MS = 60_000;

/** May it be tried, and in how many milliseconds? */
export type Turn = { readonly mayTry: boolean; readonly waitMs: number };

/**
 * How fast one user's passwords can be guessed from one address: ten at once, then as many a minute as configured,
 * each waiting for its turn. Only failures count: a login that succeeds gives its turn back.
 */
export class FailedLogins {
  readonly #clock: Clock;
  readonly #turnMs: number;
  /** When all turns of a key will be free again, monotonic milliseconds. */
  readonly #freeAt = new Map<string, number>();
  #sweptAt: number;

  /** @param perMinute failures a minute, once the first ten are used up */
  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#turnMs = 60_000 / perMinute;
    this.#sweptAt = clock.monotonic();
  }

  /** Takes a turn, unless it would be too far off. */
  takeTurn(key: string): Turn {
    const now = this.#clock.monotonic();
    this.#sweep(now);
    const freeAt = Math.max(now, this.#freeAt.get(key) ?? 0) + this.#turnMs;
    const waitMs = Math.max(0, freeAt - now - AT_ONCE * this.#turnMs);
    const mayTry = waitMs <= LONGEST_WAIT_MS;
    if (mayTry) this.#freeAt.set(key, freeAt);
    return { mayTry, waitMs };
  }

  /** For who did not fail. */
  giveBack(key: string): void {
    const freeAt = (this.#freeAt.get(key) ?? 0) - this.#turnMs;
    if (freeAt > this.#clock.monotonic()) this.#freeAt.set(key, freeAt);
    else this.#freeAt.delete(key);
  }

  /** How many users and addresses are remembered. */
  get size(): number {
    return this.#freeAt.size;
  }

  #sweep(now: number): void {
    if (now - this.#sweptAt < SWEEP_EVERY_MS) return;
    this.#sweptAt = now;
    for (const [key, freeAt] of this.#freeAt) if (freeAt <= now) this.#freeAt.delete(key);
  }
}
