import { LONGEST_BACKOFF_MS } from '../../domain/job.ts';
import type { Clock } from '../../lib/clock.ts';
import { GrowingPauses } from './growing-pauses.ts';
import { limitedForMs } from './limited-for.ts';

/** What is asked of the forge. */
export interface Asked {
  readonly what: string;
  /** Of a kind that may be limited as a whole, such as all runs of one repository. */
  readonly among?: string;
}

/**
 * In intervals, from the end of the stop on: by default longer than a limit stops the credential that does not say for how long.
 * Whatever the interval, a pause gets as long as the longest stop.
 */
const FIRST_INTERVALS = 4;
/** Others of its kind wait so much of that, so that those that are not limited go before it, and end their pause. */
const PART_OF_KIND = 1 / 2;

/**
 * What has met a limit of the forge's is not asked for again as soon as the credential may go on: were it the first each time, and
 * limited again, nothing else would ever be done. Kept in memory: a new process may ask once.
 */
export class LimitPauses {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly #own: GrowingPauses;
  readonly #kinds: GrowingPauses;

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>, intervalMs: number) {
    this.#clock = clock;
    const firstMs = FIRST_INTERVALS * intervalMs;
    const longestMs = Math.max(firstMs, LONGEST_BACKOFF_MS);
    this.#own = new GrowingPauses({ clock, firstMs, longestMs });
    this.#kinds = new GrowingPauses({
      ...{ clock, firstMs: PART_OF_KIND * firstMs, longestMs: PART_OF_KIND * longestMs },
    });
  }

  mayAsk({ what, among }: Asked): boolean {
    return this.#own.isOver(what) && (among === undefined || this.#kinds.isOver(among));
  }

  /**
   * @returns `undefined`: it pauses, and is not asked for
   * @throws as `request`
   */
  async ask<T>(asked: Asked, request: () => Promise<T>): Promise<T | undefined> {
    if (!this.mayAsk(asked)) return undefined;
    try {
      const answer = await request();
      this.#succeed(asked);
      return answer;
    } catch (error) {
      const limitedMs = limitedForMs(error, this.#clock);
      if (limitedMs !== undefined) this.#pause(asked, limitedMs);
      throw error;
    }
  }

  /** Something has changed that may make them succeed: each may be asked for at once. */
  endAll(): void {
    this.#own.endAll();
    this.#kinds.endAll();
  }

  #succeed({ what, among }: Asked): void {
    this.#own.succeed(what);
    if (among !== undefined) this.#kinds.succeed(among);
  }

  #pause({ what, among }: Asked, limitedMs: number): void {
    this.#own.forgetOld();
    this.#kinds.forgetOld();
    // Several at once meet one limit: it is one time in vain.
    if (this.#own.isOver(what)) this.#own.noteInVain(what, limitedMs);
    if (among !== undefined && this.#kinds.isOver(among))
      this.#kinds.noteInVain(among, limitedMs, PART_OF_KIND * limitedMs);
  }
}
