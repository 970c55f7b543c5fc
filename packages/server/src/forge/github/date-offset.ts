import type { Clock } from '../../lib/clock.ts';
import type { DateOffset } from '../forge.ts';

/** `Date` headers count whole seconds, rounded down. */
const RESOLUTION_MS = 1_000;

/** Before the first answer. A guess, so wide that no window built on it is too narrow for clocks kept by NTP. */
const UNCERTAINTY_BEFORE_FIRST_MS = 60_000;

/** Quartz clocks drift apart by less than this; an old estimate widens by it. */
const DRIFT_PER_MS = 200e-6;

/** Our wall clock against the monotonic one: beyond what a slow turn of the event loop explains, it was stepped. */
const OUR_STEP_MS = 5_000;

interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Estimates how far the forge's clock is ahead of ours. A header `D` of an answer to a request sent at `s` and
 * answered at `r` says that the forge's clock showed something in [D, D + 1 s) at some moment in [s, r]: the
 * offset lies in [D − r, D + 1 s − s]. Intersecting such intervals soon gives far less than a second.
 *
 * One that does not meet the others means that a clock was stepped: it starts anew. Of our own clock we know that at
 * once, before any answer. Of the forge's it takes a second answer that agrees with the first: a proxy's odd header alone would move the
 * windows in which runs are looked for.
 */
export class DateOffsetEstimator {
  readonly #clock: Pick<Clock, 'monotonic' | 'now'>;
  #estimate: Interval | undefined;
  #takenAt = 0;
  /** Contradicts the estimate, and nobody has said so again. */
  #doubt: Interval | undefined;
  /** What the forge's clock had shown at the most before it was put back. */
  #hadShown = -Infinity;
  /** What our wall clock showed when the monotonic one was 0. */
  #wallAtZero = 0;

  constructor(clock: Pick<Clock, 'monotonic' | 'now'>) {
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
    const sample = { low: date - receivedAt, high: date + RESOLUTION_MS - sentAt };
    // Our own clock was stepped while we waited: the sample says nothing.
    if (sample.high < sample.low) return;
    const old = this.#asSeenAt(receivedAt);
    const known = [old, this.#doubt].find((one) => one !== undefined && doMeet(one, sample));
    if (old === undefined || known !== undefined) {
      if (old !== undefined && !doMeet(old, sample)) this.#noteStep(old, receivedAt);
      this.#take(sample, known);
    } else this.#doubt = sample;
  }

  offset(): DateOffset {
    const now = this.#afterOurSteps(this.#clock.now());
    if (now === undefined) return { offsetMs: 0, uncertaintyMs: UNCERTAINTY_BEFORE_FIRST_MS };
    const offset = {
      offsetMs: Math.round((now.low + now.high) / 2),
      uncertaintyMs: Math.ceil((now.high - now.low) / 2),
    };
    return this.#hadShown === -Infinity ? offset : { ...offset, hadShown: this.#hadShown };
  }

  /**
   * @returns what the forge's clock shows now at the least, epoch milliseconds; `undefined` before the first answer.
   *   It follows the monotonic clock since the last answer, so a step of our wall clock does not move it.
   */
  forgeNow(): number | undefined {
    const now = this.#now();
    return now === undefined
      ? undefined
      : Math.floor(this.#wallAtZero + this.#clock.monotonic() + now.low);
  }

  /**
   * Since the last answer our wall clock may have been put back or forward: then it is the offset that changed, not the
   * forge. Forward it also runs where the machine was asleep, which the monotonic clock does not count: either may be.
   */
  #afterOurSteps(wall: number): Interval | undefined {
    const known = this.#now();
    if (known === undefined) return undefined;
    const stepMs = this.#stepTo(wall);
    const low = known.low - stepMs;
    return { low, high: stepMs < 0 ? known.high - stepMs : known.high };
  }

  /** From here on the estimate is told against the wall clock as it is now; after a large step it is worth nothing. */
  #asSeenAt(wall: number): Interval | undefined {
    const isStep = Math.abs(this.#stepTo(wall)) > OUR_STEP_MS;
    this.#estimate = isStep ? undefined : this.#afterOurSteps(wall);
    this.#takenAt = this.#clock.monotonic();
    this.#wallAtZero = wall - this.#takenAt;
    return this.#estimate;
  }

  #stepTo(wall: number): number {
    return wall - this.#clock.monotonic() - this.#wallAtZero;
  }

  #noteStep(old: Interval, wall: number): void {
    this.#hadShown = Math.max(this.#hadShown, wall + old.high);
  }

  #take(sample: Interval, known: Interval | undefined): void {
    this.#takenAt = this.#clock.monotonic();
    this.#doubt = undefined;
    this.#estimate = {
      low: Math.max(sample.low, known?.low ?? -Infinity),
      high: Math.min(sample.high, known?.high ?? Infinity),
    };
  }

  #now(): Interval | undefined {
    if (this.#estimate === undefined) return undefined;
    const { low, high } = this.#estimate;
    const driftMs = (this.#clock.monotonic() - this.#takenAt) * DRIFT_PER_MS;
    return { low: low - driftMs, high: high + driftMs };
  }
}

function doMeet(one: Interval, other: Interval): boolean {
  return one.low <= other.high && other.low <= one.high;
}
