import type { Clock } from '../lib/clock.ts';

/**
 * How long repositories could be listed by now. A listing that fails begins an outage; it counts if none has come for
 * `leastMs`, for single failures are everyday. Kept in memory: a new process counts from its first listing. Keys are those of
 * repositories.
 */
export class ListingOutages {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #leastMs: number;
  /** Monotonic milliseconds. */
  readonly #failingSince = new Map<string, number>();
  readonly #readableSince = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonic'>, leastMs: number) {
    this.#clock = clock;
    this.#leastMs = leastMs;
  }

  noteFailed(key: string): void {
    if (!this.#failingSince.has(key)) this.#failingSince.set(key, this.#clock.monotonic());
  }

  noteListed(key: string): void {
    const now = this.#clock.monotonic();
    const isOver = now - (this.#failingSince.get(key) ?? now) >= this.#leastMs;
    if (isOver || !this.#readableSince.has(key)) this.#readableSince.set(key, now);
    this.#failingSince.delete(key);
  }

  /** 0 where none has come yet. */
  readableForMs(key: string): number {
    const now = this.#clock.monotonic();
    return now - (this.#readableSince.get(key) ?? now);
  }
}
