import type { Clock } from '../../lib/clock.ts';

interface Outage {
  /** Monotonic milliseconds. */
  readonly since: number;
  /** How it failed last. */
  readonly failure: Error;
}

/**
 * How long repositories could be listed while an attempt was looked for: outages hardly count, however many there are. A listing that fails
 * begins one; it counts if none has come for `leastMs`, for single failures are everyday. Kept in memory: a new process
 * counts from its first listing. Keys are those of repositories.
 */
export class ListingOutages {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #leastMs: number;
  readonly #failing = new Map<string, Outage>();
  /** Monotonic milliseconds. */
  readonly #listedAt = new Map<string, number>();
  /** Since the first listing. */
  readonly #readableMs = new Map<string, number>();
  /** By attempt: how long its repository had been readable when it was first asked for. */
  readonly #before = new Map<string, number>();

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
    const isAfterOutage = now - (this.#failing.get(key)?.since ?? now) >= this.#leastMs;
    const sinceMs = now - (this.#listedAt.get(key) ?? now);
    // One listing between outages is one look all the same: else what never lasts would never count.
    const moreMs = isAfterOutage ? Math.min(sinceMs, this.#leastMs) : sinceMs;
    this.#readableMs.set(key, this.#totalOf(key) + moreMs);
    this.#listedAt.set(key, now);
    this.#failing.delete(key);
  }

  /** Up to the last listing, since it was first asked for; 0 then. */
  readableMs(key: string, attemptId: string): number {
    const totalMs = this.#totalOf(key);
    const before = this.#before.get(attemptId);
    if (before === undefined) this.#before.set(attemptId, totalMs);
    return totalMs - (before ?? totalMs);
  }

  /** Forgets all other attempts. */
  keepOnly(attemptIds: Iterable<string>): void {
    const kept = new Set(attemptIds);
    for (const id of this.#before.keys()) if (!kept.has(id)) this.#before.delete(id);
  }

  #totalOf(key: string): number {
    return this.#readableMs.get(key) ?? 0;
  }
}
