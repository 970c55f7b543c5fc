import type { GroupWithStats, Job, Runner, WhyWaiting } from '@dispatchoor/api-contract';
import type { ServerClient } from '@dispatchoor/testbed';
import type { JobBook } from '../load/job-book.ts';

export interface GroupView {
  readonly group: GroupWithStats;
  /** The first pending job, and what the server says it waits for. */
  readonly head: Job | undefined;
  readonly why: WhyWaiting | undefined;
}

export interface RunnerView {
  readonly runner: Runner;
  /** The job that runs on it, if it is one of the queue. */
  readonly job: Job | undefined;
}

/** What the server shows at one moment. */
export interface Snapshot {
  readonly at: number;
  readonly groups: readonly GroupView[];
  readonly runners: readonly RunnerView[];
  readonly accepted: number;
  readonly ended: number;
}

/** Looks at everything once and tells the book. May throw `ServerAway`. */
export async function takeSnapshot(
  api: ServerClient,
  book: JobBook,
  now: number,
): Promise<{ snapshot: Snapshot; stories: string[] }> {
  const openIds = book.listOpenIds();
  const [groups, runners] = await Promise.all([api.listGroups(), api.listRunners()]);
  const queues = await Promise.all(groups.map((group) => api.listQueue(group.id)));
  const queued = queues.flat();
  const gone = await findGone(api, openIds, queued);
  const pausedGroups = new Set(groups.filter((g) => g.paused || !g.enabled).map(({ id }) => id));
  const isPaused = (job: Job): boolean => job.paused || pausedGroups.has(job.group_id);
  const stories = [
    ...gone.flatMap(({ id, job }) => book.see(id, job, { isPaused: false, now })),
    ...queued.flatMap((job) => book.see(job.id, job, { isPaused: isPaused(job), now })),
  ];
  const groupViews = await Promise.all(groups.map((group, i) => viewOf(api, group, queues[i])));
  const onRunner = new Map(queued.map((job) => [job.runner_id, job]));
  const { accepted, ended } = book;
  return {
    stories,
    snapshot: {
      at: now,
      groups: groupViews,
      runners: runners.map((runner) => ({ runner, job: onRunner.get(runner.id) })),
      accepted,
      ended,
    },
  };
}

/** Jobs that were open and are in no queue any more: they have ended. */
async function findGone(api: ServerClient, openIds: readonly string[], queued: readonly Job[]) {
  const there = new Set(queued.map(({ id }) => id));
  const missing = openIds.filter((id) => !there.has(id));
  return Promise.all(missing.map(async (id) => ({ id, job: await api.findJob(id) })));
}

async function viewOf(api: ServerClient, group: GroupWithStats, queue?: readonly Job[]) {
  const head = queue?.find(({ status }) => status === 'pending');
  const why = head === undefined ? undefined : await api.findWhy(head.id);
  return { group, head, why };
}
