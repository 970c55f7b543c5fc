import type { CatalogStore } from '../store/port/catalog.ts';
import type { JobStore, QueueCounts } from '../store/port/jobs.ts';
import type { Families } from './families.ts';

type GroupsWithStats = Awaited<ReturnType<CatalogStore['listGroupsWithStats']>>;

export interface GaugeFacts {
  readonly groups: GroupsWithStats;
  readonly counts: readonly QueueCounts[];
}

export async function readGauges(store: {
  readonly catalog: Pick<CatalogStore, 'listGroupsWithStats'>;
  readonly jobs: Pick<JobStore, 'countQueue'>;
}): Promise<GaugeFacts> {
  const [groups, counts] = await Promise.all([
    store.catalog.listGroupsWithStats(),
    store.jobs.countQueue(),
  ]);
  return { groups, counts };
}

/** All at once, without an await: a scrape at the same time sees the old values or the new, never none. */
export function setGauges(families: Families, { groups, counts }: GaugeFacts): void {
  const { queueSize, runnersTotal, runnersOnline, runnersBusy } = families;
  for (const gauge of [queueSize, runnersTotal, runnersOnline, runnersBusy]) gauge.reset();
  for (const { id: group, totalRunners, onlineRunners, busyRunners } of groups) {
    setQueueSize(families, { groupId: group, pending: 0, triggered: 0, running: 0 });
    runnersTotal.set({ group }, totalRunners);
    runnersOnline.set({ group }, onlineRunners);
    runnersBusy.set({ group }, busyRunners);
    startCountersAtZero(families, group);
  }
  for (const count of counts) setQueueSize(families, count);
}

function setQueueSize({ queueSize }: Families, count: QueueCounts): void {
  const { groupId: group, pending, triggered, running } = count;
  queueSize.set({ group, status: 'pending' }, pending);
  queueSize.set({ group, status: 'triggered' }, triggered);
  queueSize.set({ group, status: 'running' }, running);
}

/** Without a 0 before the first 1, `rate()` never sees a group's first job. */
function startCountersAtZero(families: Families, group: string): void {
  families.jobsCreated.inc({ group }, 0);
  families.jobsTriggered.inc({ group }, 0);
  families.jobsCompleted.inc({ group }, 0);
  families.jobsFailed.inc({ group }, 0);
  families.jobsCancelled.inc({ group }, 0);
}
