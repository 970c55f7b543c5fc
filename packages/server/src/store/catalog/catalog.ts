import type { Kysely } from 'kysely';
import type { Group, Template } from '../../domain/group.ts';
import { ACTIVE_STATES, type JobState } from '../../domain/job.ts';
import { labelsFit } from '../../domain/runner.ts';
import { chunksOf } from '../chunks.ts';
import type { Database, WriteTx } from '../database.ts';
import { selectGroups } from '../groups-select.ts';
import type { CatalogStore, GroupStats } from '../port/catalog.ts';
import { groupOf, stringsOf, templateOf, toBool } from '../rows.ts';
import type { Schema } from '../schema.ts';
import { syncCatalog } from './sync.ts';

export function makeCatalogStore(database: Database): CatalogStore {
  return {
    sync: (forge, groups) => syncCatalog(database, forge, groups),
    listGroups: () => listGroups(database.read),
    listGroupsWithStats: () => database.snapshot(listGroupsWithStats),
    findGroup: (id) => findGroup(database.read, id),
    setGroupPaused: (id, isPaused, actor) =>
      database.write((tx) => setGroupPaused(tx, id, isPaused, actor)),
    listTemplates: (groupId) => listTemplates(database, groupId),
    findTemplate: async (id) => (await findTemplates(database, [id]))[0],
    findTemplates: (ids) => findTemplates(database, ids),
  };
}

async function listGroups(db: Kysely<Schema>): Promise<Group[]> {
  const rows = await selectGroups(db).orderBy('g.name').orderBy('g.id').execute();
  return rows.map(groupOf);
}

async function findGroup(db: Kysely<Schema>, id: string): Promise<Group | undefined> {
  const row = await selectGroups(db).where('g.id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : groupOf(row);
}

async function setGroupPaused(
  tx: WriteTx,
  id: string,
  isPaused: boolean,
  actor: string,
): Promise<Group | undefined> {
  const { numUpdatedRows } = await tx.db
    .updateTable('groups')
    .set({ is_paused: toBool(isPaused), updated_at: tx.now })
    .where('id', '=', id)
    .where('is_paused', '<>', toBool(isPaused))
    .executeTakeFirst();
  const group = await findGroup(tx.db, id);
  if (group !== undefined && numUpdatedRows === 1n) {
    tx.emit({
      kind: isPaused ? 'group.paused' : 'group.resumed',
      subjectType: 'group',
      subjectId: id,
      groupId: id,
      forgeId: group.forgeId,
      actor,
      isAudit: true,
      data: {},
    });
  }
  return group;
}

async function listTemplates({ read }: Database, groupId: string): Promise<Template[]> {
  const rows = await read
    .selectFrom('templates')
    .selectAll()
    .where('group_id', '=', groupId)
    .orderBy('name')
    .orderBy('id')
    .execute();
  return rows.map(templateOf);
}

const IDS_PER_QUERY = 500;

async function findTemplates({ read }: Database, ids: readonly string[]): Promise<Template[]> {
  const found: Template[] = [];
  for (const chunk of chunksOf(ids, IDS_PER_QUERY)) {
    const rows = await read.selectFrom('templates').selectAll().where('id', 'in', chunk).execute();
    found.push(...rows.map(templateOf));
  }
  return found;
}

/** Four queries whatever the number of groups, none of which reads jobs (defect #33). */
async function listGroupsWithStats(db: Kysely<Schema>): Promise<(Group & GroupStats)[]> {
  const groups = await listGroups(db);
  const jobs = await countJobs(db);
  const templates = await countTemplates(db);
  const classes = await listClasses(db);
  return groups.map((group) => ({
    ...group,
    queuedJobs: sumOf(jobs.get(group.id), ['pending']),
    runningJobs: sumOf(jobs.get(group.id), ACTIVE_STATES),
    ...countRunners(group, classes),
    templateCount: templates.get(group.id) ?? 0,
  }));
}

type StateCounts = ReadonlyMap<JobState, number>;

async function countJobs(db: Kysely<Schema>): Promise<ReadonlyMap<string, StateCounts>> {
  const rows = await db
    .selectFrom('job_counts')
    .select(['group_id', 'state'])
    .select((is) => is.fn.sum<number>('n').as('n'))
    .where('state', 'in', ['pending', ...ACTIVE_STATES])
    .groupBy(['group_id', 'state'])
    .execute();
  const counts = new Map<string, Map<JobState, number>>();
  for (const row of rows) {
    const ofGroup = counts.get(row.group_id) ?? new Map<JobState, number>();
    counts.set(row.group_id, ofGroup.set(row.state, row.n));
  }
  return counts;
}

function sumOf(counts: StateCounts | undefined, states: readonly JobState[]): number {
  return states.reduce((sum, state) => sum + (counts?.get(state) ?? 0), 0);
}

async function countTemplates(db: Kysely<Schema>): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('templates')
    .select('group_id')
    .select((is) => is.fn.countAll<number>().as('n'))
    .groupBy('group_id')
    .execute();
  return new Map(rows.map((row) => [row.group_id, row.n]));
}

/** Runners that no group can tell apart, counted. */
interface CountedClass {
  readonly forgeId: string;
  readonly scope: string;
  readonly labels: readonly string[];
  readonly isOnline: boolean;
  readonly isBusy: boolean;
  readonly n: number;
}

async function listClasses(db: Kysely<Schema>): Promise<CountedClass[]> {
  const rows = await db
    .selectFrom('runners')
    .select(['forge_id', 'scope', 'label_set', 'status', 'is_busy'])
    .select((is) => is.fn.countAll<number>().as('n'))
    .groupBy(['forge_id', 'scope', 'label_set', 'status', 'is_busy'])
    .execute();
  return rows.map((row) => ({
    forgeId: row.forge_id,
    scope: row.scope,
    labels: stringsOf(row.label_set),
    isOnline: row.status === 'online',
    isBusy: row.is_busy === 1,
    n: row.n,
  }));
}

function countRunners(
  group: Group,
  classes: readonly CountedClass[],
): Pick<GroupStats, 'idleRunners' | 'busyRunners' | 'onlineRunners' | 'totalRunners'> {
  const counts = { idleRunners: 0, busyRunners: 0, onlineRunners: 0, totalRunners: 0 };
  for (const each of classes) {
    if (!isOfGroup(group, each)) continue;
    counts.totalRunners += each.n;
    if (each.isOnline) counts.onlineRunners += each.n;
    if (each.isBusy) counts.busyRunners += each.n;
    else if (each.isOnline) counts.idleRunners += each.n;
  }
  return counts;
}

function isOfGroup(group: Group, { forgeId, scope, labels }: CountedClass): boolean {
  if (forgeId !== group.forgeId) return false;
  if (group.runnerScopes !== null && !group.runnerScopes.includes(scope)) return false;
  return labelsFit(labels, group.runnerLabels, group.labelCase);
}
