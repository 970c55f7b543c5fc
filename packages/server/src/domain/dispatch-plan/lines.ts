import type { GroupDemand, PendingJob } from '../dispatch-state.ts';
import { compareText } from '../text-order.ts';
import type { Bits } from './bits.ts';
import { addBits, commonBits } from './bits.ts';
import type { RunnerPool } from './runner-pool.ts';

/** A group's waiting jobs on their way through one plan. */
export interface Line {
  readonly group: GroupDemand;
  /** In order: priority descending, rank, id. */
  readonly jobs: readonly PendingJob[];
  /** Per job: when the oldest of it and those behind it was added. */
  readonly oldest: Float64Array;
  /** Classes with all labels of the group, of the scopes it is limited to. */
  readonly labelled: Bits;
  /** Of those, the ones that may serve some job in line; all of them when none is in line. */
  readonly reach: Bits;
  /** Classes that fit a job, by the classes that cover its repository. */
  readonly fitting: ReadonlyMap<Bits, Bits>;
}

function compareJobs(a: PendingJob, b: PendingJob): number {
  return b.priority - a.priority || a.rank - b.rank || compareText(a.id, b.id);
}

/** The store hands heads over in order already: looking is cheaper than sorting 100,000 again. */
function inOrder(head: readonly PendingJob[]): readonly PendingJob[] {
  const isOrdered = head.every((job, i) => {
    const before = head[i - 1];
    return before === undefined || compareJobs(before, job) <= 0;
  });
  return isOrdered ? head : head.toSorted(compareJobs);
}

function oldestFrom(jobs: readonly PendingJob[]): Float64Array {
  const oldest = new Float64Array(jobs.length);
  let least = Infinity;
  for (let i = jobs.length - 1; i >= 0; i--) {
    least = Math.min(least, jobs[i]?.createdAt ?? Infinity);
    oldest[i] = least;
  }
  return oldest;
}

function fittingByCover(jobs: readonly PendingJob[], labelled: Bits, pool: RunnerPool) {
  const fitting = new Map<Bits, Bits>();
  for (const { owner, repo } of jobs) {
    const cover = pool.covering(owner, repo);
    if (!fitting.has(cover)) fitting.set(cover, commonBits(labelled, cover));
  }
  return fitting;
}

export function lineOf(group: GroupDemand, pool: RunnerPool): Line {
  const jobs = inOrder(group.head);
  const labelled = commonBits(pool.withLabels(group.labels), pool.inScopesOf(group));
  const fitting = fittingByCover(jobs, labelled, pool);
  const reach = jobs.length === 0 ? labelled : pool.none();
  for (const bits of fitting.values()) addBits(reach, bits);
  return { group, jobs, oldest: oldestFrom(jobs), labelled, reach, fitting };
}

export function fittingOf(line: Line, job: PendingJob, pool: RunnerPool): Bits {
  return line.fitting.get(pool.covering(job.owner, job.repo)) ?? pool.none();
}
