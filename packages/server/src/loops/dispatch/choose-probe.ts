import type { PendingJob, PlannedSend } from '../../domain/dispatch-state.ts';

/** When dispatches last failed, monotonic milliseconds; −∞: not since they last worked. */
export interface FailedAt {
  readonly repo: number;
  readonly workflow: number;
}

/**
 * Pure. Of the jobs that a plan could send, the one whose repository failed longest ago, or never, and of its jobs the one
 * whose workflow did. The first in the plan's order might always fail, and would hide for ever that the forge works again; so
 * would, for minutes, one workflow after another of a repository that is broken as a whole.
 *
 * @returns one, or none where there is none
 */
export function chooseProbe(
  sends: readonly PlannedSend[],
  jobs: ReadonlyMap<string, PendingJob>,
  failedAt: (job: PendingJob) => FailedAt,
): PlannedSend[] {
  let best: { readonly send: PlannedSend; readonly at: FailedAt } | undefined;
  for (const send of sends) {
    const job = jobs.get(send.jobId);
    if (job === undefined) continue;
    const at = failedAt(job);
    if (best === undefined || isEarlier(at, best.at)) best = { send, at };
  }
  return best === undefined ? [] : [best.send];
}

function isEarlier(a: FailedAt, b: FailedAt): boolean {
  return a.repo === b.repo ? a.workflow < b.workflow : a.repo < b.repo;
}
