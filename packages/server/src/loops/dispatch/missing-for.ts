import { type DispatchTarget, targetFields } from '../../domain/job.ts';
import type { Clock } from '../../lib/clock.ts';

/** Of workflows that were not found; the oldest are forgotten. */
const MOST_REMEMBERED = 1_000;

/**
 * For how long this process itself has met that a workflow is not found: two answers of the same second must not count as two
 * that are a minute apart because a clock was put forward in between.
 */
export class MissingFor {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #since = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /**
   * It is not found now.
   *
   * @returns milliseconds; 0: not met before
   */
  note(target: DispatchTarget): number {
    const key = keyOf(target);
    const now = this.#clock.monotonic();
    const since = this.#since.get(key) ?? now;
    const [oldest] = this.#since.keys();
    if (this.#since.size >= MOST_REMEMBERED && oldest !== undefined) this.#since.delete(oldest);
    this.#since.set(key, since);
    return now - since;
  }

  /** Any other answer. */
  forget(target: DispatchTarget): void {
    this.#since.delete(keyOf(target));
  }
}

function keyOf(target: DispatchTarget): string {
  return JSON.stringify(targetFields.map((field) => target[field]));
}
