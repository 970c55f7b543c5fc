/** Alone among failing workflows: where runners are never idle, what works again would else never show. */
const LONGEST_YIELD_MS = 10 * 60_000;

/** A workflow whose sendings fail, as its block has it. */
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
