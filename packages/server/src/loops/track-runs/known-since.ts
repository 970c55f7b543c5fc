import type { Clock } from '../../lib/clock.ts';

/** Since when this process has known of each attempt: time that has passed whatever is done to clocks. */
export class KnownSince {
  readonly #clock: Clock;
  readonly #since = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param ids all that there are: the others are forgotten */
  note(ids: Iterable<string>): void {
    const now = this.#clock.monotonic();
    const known = new Map(this.#since);
    this.#since.clear();
    for (const id of ids) this.#since.set(id, known.get(id) ?? now);
  }

  /** Says of each id how long it had been known by now; 0: it had not been. */
  asOfNow(): (id: string) => number {
    const now = this.#clock.monotonic();
    return (id) => Math.max(0, now - (this.#since.get(id) ?? now));
  }
}
