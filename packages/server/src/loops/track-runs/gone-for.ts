import type { Attempt } from '../../domain/attempt.ts';
import type { Clock } from '../../lib/clock.ts';

/**
 * For how long this process itself has seen that runs are gone, or cannot be read: a blip of seconds during which a clock was put
 * forward must not count as an hour.
 */
export class GoneFor {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #since = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /**
   * It is gone now.
   *
   * @param attempt as it is stored: without `goneSince` it was there in between, or never gone before
   * @returns milliseconds; 0: not seen so before
   */
  note({ id, goneSince }: Pick<Attempt, 'id' | 'goneSince'>): number {
    const now = this.#clock.monotonic();
    const since = goneSince === null ? now : (this.#since.get(id) ?? now);
    this.#since.set(id, since);
    return now - since;
  }

  /** @param ids all that there are: the others are forgotten */
  keepOnly(ids: Iterable<string>): void {
    const kept = new Set(ids);
    for (const id of this.#since.keys()) if (!kept.has(id)) this.#since.delete(id);
  }
}
