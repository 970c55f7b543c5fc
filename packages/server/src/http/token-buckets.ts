import type { Clock } from '../lib/clock.ts';

interface Bucket {
  tokens: number;
  /** Monotonic milliseconds. */
  filledAt: number;
}

const SWEEP_EVERY_MS = 60_000;

/** One bucket per key: a minute's worth at once, then refilled evenly. */
export class TokenBuckets {
  readonly #clock: Clock;
  readonly #perMinute: number;
  readonly #buckets = new Map<string, Bucket>();
  #sweptAt: number;

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = perMinute;
    this.#sweptAt = clock.monotonic();
  }

  /** False: there is none left for this key. */
  tryTake(key: string): boolean {
    const now = this.#clock.monotonic();
    this.#sweep(now);
    const bucket = this.#buckets.get(key) ?? { tokens: this.#perMinute, filledAt: now };
    bucket.tokens = this.#tokensAt(bucket, now);
    bucket.filledAt = now;
    this.#buckets.set(key, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #tokensAt({ tokens, filledAt }: Bucket, now: number): number {
    return Math.min(this.#perMinute, tokens + ((now - filledAt) / 60_000) * this.#perMinute);
  }

  /** A full bucket is as good as none: dropping it forgets nothing, so no key is kept longer than a minute or two. */
  #sweep(now: number): void {
    if (now - this.#sweptAt < SWEEP_EVERY_MS) return;
    this.#sweptAt = now;
    for (const [key, bucket] of this.#buckets) {
      if (this.#tokensAt(bucket, now) >= this.#perMinute) this.#buckets.delete(key);
    }
  }
}
