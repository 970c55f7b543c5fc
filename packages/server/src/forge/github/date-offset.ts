import type { Clock } from '../../lib/clock.ts';
import type { DateOffset } from '../forge.ts';

/** `Date` headers count whole seconds, rounded down. */
const RESOLUTION_MS = 1_000;

/** Before the first answer. A guess, so wide that no window built on it is too narrow for clocks kept by NTP. */
const UNCERTAINTY_BEFORE_FIRST_MS = 60_000;

/** Quartz clocks drift apart by less than this; an old estimate widens by it. */
const DRIFT_PER_MS = 200e-6;

/**
 * Estimates how far the forge's clock is ahead of ours. A header `D` of an answer to a request sent at `s` and
 * answered at `r` says that the forge's clock showed something in [D, D + 1 s) at some moment in [s, r]: the
 * offset lies in [D − r, D + 1 s − s]. Intersecting such intervals soon gives far less than a second. One that
 * does not meet the others means that a clock was stepped: it starts anew.
 */
export class DateOffsetEstimator {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #low: number | undefined;
  #high = 0;
  #takenAt = 0;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /**
   * @param header the `Date` header; an unreadable or missing one changes nothing
   * @param sentAt our wall clock when the request left
   * @param receivedAt our wall clock when the answer came
   */
  observe(header: string | undefined, sentAt: number, receivedAt: number): void {
    const date = header === undefined ? Number.NaN : Date.parse(header);
    if (Number.isNaN(date)) return;
    const low = date - receivedAt;
    const high = date + RESOLUTION_MS - sentAt;
    // Our own clock was stepped while we waited: the sample says nothing.
    if (high < low) return;
    const old = this.#now();
    this.#takenAt = this.#clock.monotonic();
    if (old === undefined || low > old.high || high < old.low) {
      this.#low = low;
      this.#high = high;
      return;
    }
    this.#low = Math.max(low, old.low);
    this.#high = Math.min(high, old.high);
  }

  offset(): DateOffset {
    const now = this.#now();
    if (now === undefined) return { offsetMs: 0, uncertaintyMs: UNCERTAINTY_BEFORE_FIRST_MS };
    return {
      offsetMs: Math.round((now.low + now.high) / 2),
      uncertaintyMs: Math.ceil((now.high - now.low) / 2),
    };
  }

  #now(): { low: number; high: number } | undefined {
    if (this.#low === undefined) return undefined;
    const driftMs = (this.#clock.monotonic() - this.#takenAt) * DRIFT_PER_MS;
    return { low: this.#low - driftMs, high: this.#high + driftMs };
  }
}
