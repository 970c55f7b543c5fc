/**
 * How long equal runners need for equal jobs when each takes its next one at once: `ceil(n / r)` rounds of one job
 * and of the way from a dispatch to the start of its workflow job, which no dispatcher can shorten.
 */
export function idealDrainMs(of: {
  readonly jobs: number;
  readonly runners: number;
  readonly jobMs: number;
  readonly dispatchToStartMs: number;
}): number {
  return Math.ceil(of.jobs / of.runners) * (of.jobMs + of.dispatchToStartMs);
}
