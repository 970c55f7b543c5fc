import type { PendingJob, PlannedSend } from '../domain/dispatch-state.ts';

/**
 * Pure. Of the jobs that a plan could send, the one whose workflow failed longest ago, or never: the first in the
 * plan's order might be of one that always fails, and would hide for ever that the forge works again.
 *
 * @returns one, or none where there is none
 */
export function chooseProbe(
  sends: readonly PlannedSend[],
  jobs: ReadonlyMap<string, PendingJob>,
  failedAt: (job: PendingJob) => number,
): PlannedSend[] {
  let best: { readonly send: PlannedSend; readonly at: number } | undefined;
  for (const send of sends) {
    const job = jobs.get(send.jobId);
    if (job === undefined) continue;
    const at = failedAt(job);
    if (best === undefined || at < best.at) best = { send, at };
  }
  return best === undefined ? [] : [best.send];
}
