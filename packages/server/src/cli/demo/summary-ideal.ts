import { fits, type HasLabels } from './summary-idle.ts';

export interface IdealJob extends HasLabels {
  readonly priority: number;
  /** When it could be dispatched at the earliest; ms on any clock. */
  readonly releasedAt: number;
  readonly durationMs: number;
}

/**
 * How long an all-knowing dispatcher would take from the first release to the last end: it knows every duration,
 * sees a runner come free at once, sends in no time, chooses the runner itself, and pays `dispatchToStartMs` per
 * job as everyone must. List scheduling: whenever a runner is free, the first job of the list that fits and is
 * released takes the fitting runner with the fewest labels. Tried with two lists, longest job first (LPT) and the
 * queue's order (priority, then arrival); the shorter result counts. No strict lower bound (that is NP-hard to
 * find), but within a few percent of it for many short jobs.
 */
export function idealMakespanMs(
  jobs: readonly IdealJob[],
  runners: readonly HasLabels[],
  dispatchToStartMs: number,
): number {
  if (jobs.length === 0) return 0;
  const lists = [
    jobs.toSorted((a, b) => b.durationMs - a.durationMs),
    jobs.toSorted((a, b) => b.priority - a.priority || a.releasedAt - b.releasedAt),
  ];
  return Math.min(...lists.map((list) => listSchedule(list, runners, dispatchToStartMs)));
}

function listSchedule(
  list: readonly IdealJob[],
  runners: readonly HasLabels[],
  dispatchToStartMs: number,
): number {
  const freeAt = runners
    .toSorted((a, b) => a.labels.length - b.labels.length)
    .map((runner) => ({ runner, at: -Infinity }));
  const begin = Math.min(...list.map(({ releasedAt }) => releasedAt));
  let waiting = list.filter(({ labels }) => runners.some((runner) => fits(runner, labels)));
  let now = begin;
  let end = begin;
  while (waiting.length > 0) {
    waiting = waiting.filter((job) => {
      if (job.releasedAt > now) return true;
      const slot = freeAt.find(({ runner, at }) => at <= now && fits(runner, job.labels));
      if (slot === undefined) return true;
      slot.at = now + dispatchToStartMs + job.durationMs;
      end = Math.max(end, slot.at);
      return false;
    });
    const moments = [...freeAt.map(({ at }) => at), ...waiting.map((job) => job.releasedAt)];
    now = Math.min(...moments.filter((moment) => moment > now));
  }
  return end - begin;
}
