import { Random } from '@dispatchoor/forge-sim/client';
import { fits, type HasLabels } from '../labels.ts';

/** Beyond this many orders, more find next to nothing better for the loads of the demo. */
const RANDOM_ORDERS = 200;

export interface IdealJob extends HasLabels {
  readonly priority: number;
  /** When it could be dispatched at the earliest; ms on any clock. */
  readonly releasedAt: number;
  readonly durationMs: number;
}

/** A job that some runner fits. */
interface Placeable extends IdealJob {
  /** Indexes of the runners that fit, those with the fewest labels first. */
  readonly runners: readonly number[];
}

/**
 * How long an all-knowing dispatcher would take from the first release to the last end: it knows every duration,
 * sees a runner come free at once, sends in no time, chooses the runner itself, and pays `dispatchToStartMs` per
 * job as everyone must. List scheduling: whenever a runner is free, the first job of the list that fits and is
 * released takes the fitting runner with the fewest labels. Of many lists the best result counts: longest job
 * first (LPT), the queue's order (priority, then arrival), and longest first with random weights per label set
 * and job. A schedule that exists, so no strict lower bound; that one is NP-hard to find, and lies a few percent
 * below at most.
 */
export function idealMakespanMs(
  jobs: readonly IdealJob[],
  runners: readonly HasLabels[],
  dispatchToStartMs: number,
): number {
  const placeable = jobs
    .map((job) => placeableOn(runners, job))
    .filter((job) => job.runners.length > 0);
  if (placeable.length === 0) return 0;
  const lengths = [...orders(placeable)].map((list) =>
    listSchedule(list, runners.length, dispatchToStartMs),
  );
  return Math.min(...lengths);
}

function placeableOn(runners: readonly HasLabels[], job: IdealJob): Placeable {
  const fitting = runners
    .map((runner, index) => ({ index, runner }))
    .filter(({ runner }) => fits(runner, job.labels))
    .toSorted((a, b) => a.runner.labels.length - b.runner.labels.length);
  return { ...job, runners: fitting.map(({ index }) => index) };
}

function* orders(jobs: readonly Placeable[]): Generator<readonly Placeable[]> {
  yield jobs.toSorted((a, b) => b.durationMs - a.durationMs);
  yield jobs.toSorted((a, b) => b.priority - a.priority || a.releasedAt - b.releasedAt);
  const random = new Random(1, 'orders');
  const between = (low: number, high: number): number => low + random.next() * (high - low);
  for (let i = 0; i < RANDOM_ORDERS; i += 1) {
    const weights = new Map<string, number>();
    const weighted = jobs.map((job) => {
      const set = job.labels.join();
      const weight = weights.get(set) ?? between(0.5, 2);
      weights.set(set, weight);
      return { job, key: job.durationMs * weight * between(0.8, 1.25) };
    });
    yield weighted.sort((a, b) => b.key - a.key).map(({ job }) => job);
  }
}

/** All jobs have a runner that fits. */
function listSchedule(
  list: readonly Placeable[],
  runnerCount: number,
  dispatchToStartMs: number,
): number {
  const freeAt = Array.from({ length: runnerCount }, () => -Infinity);
  const begin = Math.min(...list.map(({ releasedAt }) => releasedAt));
  let waiting = list;
  let now = begin;
  while (waiting.length > 0) {
    waiting = waiting.filter((job) => {
      const runner = job.runners.find((index) => (freeAt[index] ?? Infinity) <= now);
      if (job.releasedAt > now || runner === undefined) return true;
      freeAt[runner] = now + dispatchToStartMs + job.durationMs;
      return false;
    });
    const moments = [...freeAt, ...waiting.map((job) => job.releasedAt)];
    now = Math.min(...moments.filter((moment) => moment > now));
  }
  return Math.max(...freeAt) - begin;
}
