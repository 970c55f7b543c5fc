import type { Clock } from '../../lib/clock.ts';

/**
 * How long repositories could be listed by now. A listing that fails begins an outage; it counts if none has come for
 * `leastMs`, for single failures are everyday. Kept in memory: a new process counts from its first listing. Keys are those of
 * repositories.
 */
export class ListingOutages {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #leastMs: number;
  /** Since when, in monotonic milliseconds, and how it failed last. */
  readonly #failing = new Map<string, { readonly since: number; readonly failure: Error }>();
  /** Monotonic milliseconds. */
  readonly #readableSince = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonic'>, leastMs: number) {
    this.#clock = clock;
    this.#leastMs = leastMs;
  }

  noteFailed(key: string, failure: Error): void {
    const since = this.#failing.get(key)?.since ?? this.#clock.monotonic();
    this.#failing.set(key, { since, failure });
  }

  /** `undefined`: the last listing did not fail. */
  failureOf(key: string): Error | undefined {
    return this.#failing.get(key)?.failure;
  }

  noteListed(key: string): void {
    const now = this.#clock.monotonic();
    const isOver = now - (this.#failing.get(key)?.since ?? now) >= this.#leastMs;
    if (isOver || !this.#readableSince.has(key)) this.#readableSince.set(key, now);
    this.#failing.delete(key);
  }

  /** 0 where none has come yet. */
  readableForMs(key: string): number {
    const now = this.#clock.monotonic();
    return now - (this.#readableSince.get(key) ?? now);
  }
}
