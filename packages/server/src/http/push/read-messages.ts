import type { ServerMessage } from '@dispatchoor/api-contract';
import { z } from 'zod';
import type { Event } from '../../domain/event.ts';
import type { Group } from '../../domain/group.ts';
import { labelsFit, type Runner } from '../../domain/runner.ts';
import type { HttpStore } from '../deps.ts';
import { jobToWire } from '../wire/job-to-wire.ts';
import { runnerToWire } from '../wire/runner-to-wire.ts';
import type { Changes, WatchedGroups } from './pending-changes.ts';

export type GroupMessage = Extract<ServerMessage, { payload: unknown; group_id: string }>;

/** What the watchers of each group are told, as the store has it now. A job that is gone by now is told of nowhere. */
export async function readMessages(
  changes: Changes,
  watched: WatchedGroups,
  store: Pick<HttpStore, 'jobs' | 'runners' | 'catalog'>,
): Promise<GroupMessage[]> {
  return [
    ...(await readJobs(changes, watched, store)),
    ...(await readRunners(changes, watched, store)),
    ...[...changes.groups]
      .filter((groupId) => watched.has(groupId))
      .map((group_id): GroupMessage => ({ type: 'queue_update', group_id, payload: [] })),
  ];
}

async function readJobs(
  changes: Changes,
  watched: WatchedGroups,
  { jobs }: Pick<HttpStore, 'jobs'>,
): Promise<GroupMessage[]> {
  const ids = [...changes.jobs.keys()].filter((id) => watched.has(changes.jobs.get(id) ?? ''));
  if (ids.length === 0) return [];
  const found = new Map((await jobs.findJobs(ids)).map((job) => [job.id, job]));
  return ids.flatMap((id): GroupMessage[] => {
    const job = found.get(id);
    if (job === undefined) return [];
    return [{ type: 'job_state', group_id: job.groupId, payload: jobToWire(job) }];
  });
}

async function readRunners(
  changes: Changes,
  watched: WatchedGroups,
  { runners, catalog }: Pick<HttpStore, 'runners' | 'catalog'>,
): Promise<GroupMessage[]> {
  if (changes.runners.size === 0) return [];
  const groups = (await catalog.listGroups()).filter(
    (group) => group.isEnabled && watched.has(group.id),
  );
  if (groups.length === 0) return [];
  const ids = [...changes.runners].filter(([, gone]) => gone === undefined).map(([id]) => id);
  const found = ids.length === 0 ? [] : await runners.findRunners(ids);
  const gone = [...changes.runners.values()].flatMap((event) => goneRunner(event) ?? []);
  return [...found, ...gone].flatMap((runner) => {
    const payload = runnerToWire(runner);
    return groups
      .filter((group) => isOfGroup(runner, group))
      .map((group): GroupMessage => ({ type: 'runner_status', group_id: group.id, payload }));
  });
}

function isOfGroup(runner: Runner, group: Group): boolean {
  if (runner.forgeId !== group.forgeId) return false;
  if (group.runnerScopes !== null && !group.runnerScopes.includes(runner.scope)) return false;
  return labelsFit(runner.labels, group.runnerLabels, group.labelCase);
}

/** What `runner.gone` says. */
const GoneRunner = z.object({
  name: z.string(),
  scope: z.string(),
  os: z.string(),
  labels: z.array(z.string()),
  forgeRunnerId: z.string(),
  lastSeenAt: z.number(),
  createdAt: z.number(),
});

/** As it was last, but offline: nobody can read it any more. */
function goneRunner(event: Event | undefined): Runner | undefined {
  const told = GoneRunner.safeParse(event?.data);
  if (event === undefined || event.forgeId === null || !told.success) return undefined;
  return {
    ...told.data,
    id: event.subjectId,
    forgeId: event.forgeId,
    status: 'offline',
    isBusy: false,
    launchId: null,
    updatedAt: event.at,
  };
}
