import type { Attempt } from '../../domain/attempt.ts';
import type { Clock } from '../../lib/clock.ts';
import { isSearching } from './resolve-attempts.ts';

/** A run is usually listed a second or two after its dispatch. */
const FIRST_WAIT_MS = 1_000;

interface Waited {
  readonly waitMs: number;
  readonly pollAt: number;
}

/**
 * Attempts whose run will be found by its time alone, and is not known yet: jobs of their workflow with other inputs wait
 * for it, so it is looked for sooner than at the next interval. First after a second, then each time after twice as
 * long: a run that does not show up soon most likely was not made, and each look costs a request.
 */
export class DoubtPace {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #longestMs: number;
  #waited = new Map<string, Waited>();

  /** @param longestMs the interval at which everything is looked at anyway */
  constructor(clock: Pick<Clock, 'monotonic'>, longestMs: number) {
    this.#clock = clock;
    this.#longestMs = longestMs;
  }

  /** Those to be looked for now; all others are remembered for later. */
  take(live: readonly Attempt[]): Attempt[] {
    const now = this.#clock.monotonic();
    const due: Attempt[] = [];
    const waited = new Map<string, Waited>();
    for (const attempt of live.filter((one) => !one.isNamed && isSearching(one))) {
      const known = this.#waited.get(attempt.id) ?? {
        waitMs: FIRST_WAIT_MS,
        pollAt: now + FIRST_WAIT_MS,
      };
      const isDue = known.pollAt <= now;
      if (isDue) due.push(attempt);
      const waitMs = Math.min(2 * known.waitMs, this.#longestMs);
      waited.set(attempt.id, isDue ? { waitMs, pollAt: now + waitMs } : known);
    }
    this.#waited = waited;
    return due;
  }

  /** How long until the next of them is to be looked for; `null`: there is none. */
  waitMs(): number | null {
    const moments = [...this.#waited.values()].map(({ pollAt }) => pollAt);
    if (moments.length === 0) return null;
    return Math.max(0, Math.min(...moments) - this.#clock.monotonic());
  }
}
