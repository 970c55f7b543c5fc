import type { Clock } from '../../lib/clock.ts';

export interface GrowingPausesOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly firstMs: number;
  readonly longestMs: number;
}

interface Pause {
  readonly ms: number;
  readonly until: number;
}

/**
 * How long what was asked for in vain is not asked for again: each answer in vain doubles it. Kept in memory: a new
 * process may ask once.
 */
export class GrowingPauses {
  readonly #options: GrowingPausesOptions;
  /** Monotonic milliseconds. */
  readonly #pauses = new Map<string, Pause>();

  constructor(options: GrowingPausesOptions) {
    this.#options = options;
  }

  /** Also for a key that was never asked for in vain. */
  isOver(key: string): boolean {
    const until = this.#pauses.get(key)?.until ?? -Infinity;
    return until <= this.#options.clock.monotonic();
  }

  /**
   * @param afterMs when the pause begins, where until then nothing can be asked for anyway
   * @param leastMs how long it is at least from the second time on; default: as long as `afterMs`, so that what stops all else each
   *   time leaves them half of the time
   */
  noteInVain(key: string, afterMs = 0, leastMs = afterMs): void {
    const { clock, firstMs, longestMs } = this.#options;
    const now = clock.monotonic() + afterMs;
    const before = this.#lately(key);
    const ms =
      before === undefined ? firstMs : Math.min(Math.max(2 * before.ms, leastMs), longestMs);
    this.#pauses.set(key, { ms, until: now + ms });
  }

  /**
   * It is asked for as ever. That it was in vain is remembered for as long as the longest pause: what lets a few through, and then
   * stops all else again, would otherwise do so for the first time each time.
   */
  succeed(key: string): void {
    const { clock, firstMs } = this.#options;
    const before = this.#pauses.get(key);
    if (before === undefined) return;
    const until = Math.min(before.until, clock.monotonic());
    this.#pauses.set(key, { ms: firstMs / 2, until });
  }

  forget(key: string): void {
    this.#pauses.delete(key);
  }

  #lately(key: string): Pause | undefined {
    const { clock, longestMs } = this.#options;
    const pause = this.#pauses.get(key);
    return pause !== undefined && pause.until > clock.monotonic() - longestMs ? pause : undefined;
  }

  /** Forgets those that nobody asks for any more, as `forgetOld` does: who comes back meanwhile is not new. */
  keepOnly(keys: Iterable<string>): void {
    const kept = new Set(keys);
    for (const key of this.#pauses.keys()) {
      if (!kept.has(key) && this.#lately(key) === undefined) this.#pauses.delete(key);
    }
  }

  /** Forgets those that have been over for as long as the longest: who is still asked for would have come back. */
  forgetOld(): void {
    const { clock, longestMs } = this.#options;
    const before = clock.monotonic() - longestMs;
    for (const [key, { until }] of this.#pauses) if (until <= before) this.#pauses.delete(key);
  }

  /** Something has changed that may make them succeed: each may be asked for at once. Those that fail go on growing. */
  endAll(): void {
    const until = this.#options.clock.monotonic();
    for (const [key, { ms }] of this.#pauses) this.#pauses.set(key, { ms, until });
  }
}
