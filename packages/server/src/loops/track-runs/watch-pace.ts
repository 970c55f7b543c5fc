import type { Attempt } from '../../domain/attempt.ts';
import { repoKeyOf } from '../../domain/run-keys.ts';
import type { Clock } from '../../lib/clock.ts';

/** The pause between two looks, as a part of the attempt's age: some 60 looks in a day. */
const PAUSE_OF_AGE = 1 / 10;

/**
 * When to look for the late runs of attempts that were given up. A look lists all runs made since their claim, a page per
 * hundred: the longer ago that is, the more it costs and the less likely is a late run, so the rarer it is made.
 */
export class WatchPace {
  readonly #clock: Clock;
  readonly #recheckAfterMs: number;
  /** By attempt; monotonic. */
  #polledAt = new Map<string, number>();

  /** @param recheckAfterMs the shortest pause */
  constructor(clock: Clock, recheckAfterMs: number) {
    this.#clock = clock;
    this.#recheckAfterMs = recheckAfterMs;
  }

  /**
   * @param watched all of the forge
   * @param isToBe looked at whenever it was looked at last
   * @returns those to look at now, and what a look at them shows as well
   */
  take(watched: readonly Attempt[], isToBe: (attempt: Attempt) => boolean): Attempt[] {
    const at = this.#clock.monotonic();
    const taken = [...Map.groupBy(watched, repoKeyOf).values()].flatMap((ofRepo) => {
      const due = ofRepo.filter((one) => isToBe(one) || this.#isDue(one, at));
      const since = Math.min(...due.map(({ claimedAt }) => claimedAt));
      return ofRepo.filter(({ claimedAt }) => claimedAt >= since);
    });
    const ids = new Set(taken.map(({ id }) => id));
    const last = (id: string): number => (ids.has(id) ? at : (this.#polledAt.get(id) ?? -Infinity));
    this.#polledAt = new Map(watched.map(({ id }) => [id, last(id)]));
    return taken;
  }

  #isDue({ id, claimedAt }: Attempt, at: number): boolean {
    const pauseMs = Math.max(this.#recheckAfterMs, (this.#clock.now() - claimedAt) * PAUSE_OF_AGE);
    return at - (this.#polledAt.get(id) ?? -Infinity) >= pauseMs;
  }
}
