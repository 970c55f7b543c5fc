/** Alone among failing workflows: where runners are never idle, what works again would else never show. */
const LONGEST_YIELD_MS = 10 * 60_000;

/** As long as the longest pause of a workflow that fails: those that may go first should have gone by then. */
const LONGEST_HELD_BACK_MS = 15 * 60_000;

/** A workflow whose sendings fail, or a repository where those of all workflows do, as its block has it. */
export interface FailingWorkflow {
  /** Failures in a row. 0: the whole forge failed, and now it is tried as one among others. */
  readonly refusals: number;
  readonly nextProbeAt: number;
}

/**
 * Whose next probe takes a runner only where no other job wants it. A sending that fails without an answer keeps its runner, and
 * its place among `max_parallel`, until it is known that it started nothing: were such probes first in line, they would keep few
 * runners from all others. In the end each is one job among others, but the more fail the more rarely, and never one
 * right after another: what works has ten minutes between any two of them.
 *
 * @param failing always in the same order: it spreads their turns
 * @param acceptedAt when the forge last started something for us; `null`: not known
 */
export function yieldingOf<T extends FailingWorkflow>(
  failing: readonly T[],
  now: number,
  acceptedAt: number | null,
): T[] {
  const counted = failing.filter(({ refusals }) => refusals > 0);
  return counted.filter((one, n) => {
    // What fails once, alone or while others did, may have passed by itself.
    const isAlone = counted.length === 1;
    if (one.refusals === 1 && (isAlone || (acceptedAt ?? -Infinity) > one.nextProbeAt))
      return false;
    return one.nextProbeAt > now - LONGEST_YIELD_MS * (counted.length + n);
  });
}

/**
 * How many of the tiers that may go first are passed by: each had a quarter of an hour, and none of its jobs was sent. Why is not
 * known here, and the others must not wait for it for ever.
 *
 * @param failedAt when a workflow of the repository failed last
 */
export function tiersPassed(failedAt: number, now: number): number {
  return Math.max(0, Math.floor((now - failedAt) / LONGEST_HELD_BACK_MS));
}

/**
 * Where a whole repository fails its workflows take turns, those first that failed least: else those whose jobs come first would
 * take every turn, and what has not been tried, and may work, none.
 *
 * @param tiers failures in a row of workflows with a job that could go now, ascending
 * @param passed see `tiersPassed`
 * @returns those of `failing` that let another go first
 */
export function letOthersFirst<T extends Pick<FailingWorkflow, 'refusals'>>(
  failing: readonly T[],
  tiers: readonly number[],
  passed: number,
): T[] {
  const turn = tiers[Math.min(passed, tiers.length - 1)];
  return turn === undefined ? [] : failing.filter((one) => one.refusals > turn);
}
