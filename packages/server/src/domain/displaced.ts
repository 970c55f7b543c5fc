import type { Attempt } from './attempt.ts';

/** A run picked up just now still shows as queued for a poll or two, while its runner shows as busy already. */
const PICKUP_SHOWS_WITHIN_MS = 30_000;

/** When the attempt began to wait for a runner, on the forge's clock once its run is known. */
export function queuedSince({ runCreatedAt, claimedAt }: Attempt): number {
  return runCreatedAt ?? claimedAt;
}

/**
 * The forge gave the runner that was free to another job: the run is left queued, and none that fits is free.
 *
 * @param now on the forge's clock
 */
export function isDisplaced(attempt: Attempt, now: number, isRunnerFree: boolean): boolean {
  const { runId, runStatus } = attempt;
  const isQueued = runId !== null && (runStatus === 'queued' || runStatus === null);
  return isQueued && !isRunnerFree && now - queuedSince(attempt) >= PICKUP_SHOWS_WITHIN_MS;
}
