import { type Kysely, sql } from 'kysely';
import { findRoom } from '../../domain/dispatch-plan/dispatch-plan.ts';
import type { GroupDemand, RunnerClass } from '../../domain/dispatch-state.ts';
import type { Doubt } from '../../domain/doubt.ts';
import type { Group } from '../../domain/group.ts';
import { makeYield, type Yield } from '../../lib/yield.ts';
import type { Database } from '../database.ts';
import { selectGroups } from '../groups-select.ts';
import type { DispatchQuery, LoadedDispatchState } from '../port/dispatch.ts';
import { groupOf, stringsOf } from '../rows.ts';
import { listDoubts, listLostNames } from '../runs/doubts.ts';
import { listUnnamed } from '../runs/naming.ts';
import type { Schema, TargetBlockRow } from '../schema.ts';
import { loadHeads } from './choose-heads.ts';
import { describeHeads } from './describe-heads.ts';
import type { WaitingTemplate } from './group-view.ts';
import { type HeadRow, listWithOwnTargets } from './heads.ts';
import { loadHolds } from './holds.ts';

export async function loadState(
  database: Database,
  query: DispatchQuery,
): Promise<LoadedDispatchState> {
  const { clock } = database;
  const now = clock.now();
  const { dbNow } = database;
  return database.snapshot((db) => load(db, query, { now, dbNow, yieldNow: makeYield(clock) }));
}

interface LoadContext {
  readonly now: number;
  readonly dbNow: Database['dbNow'];
  readonly yieldNow: Yield;
}

async function load(
  db: Kysely<Schema>,
  query: DispatchQuery,
  { now, dbNow, yieldNow }: LoadContext,
): Promise<LoadedDispatchState> {
  const { forgeId, labelCase } = query;
  const listings = await listScopeListings(db, forgeId);
  const fresh = listings.filter(
    ({ listedAt }) => listedAt !== null && listedAt >= now - query.freshForMs,
  );
  const classes = await listClasses(db, forgeId, new Set(fresh.map(({ scope }) => scope)));
  const seen = { query, now, yieldNow, classes, listings: fresh };
  await yieldNow();
  const { holds, ended, displaced } = await loadHolds(db, seen);
  await yieldNow();
  const groups = await listGroups(db, forgeId);
  const templates = await listWaitingTemplates(db, forgeId);
  const activeBlocks = await listActiveBlocks(db, forgeId);
  const live = await countLive(db, forgeId);
  const withOwnTargets = await listWithOwnTargets(db, forgeId);
  const { isUnnamed, areNone } = await listUnnamed(db, forgeId);
  const doubts = await listAllDoubts(db, query, { dbNow, areNone });
  const asked = { now, yieldNow, classes, groups, templates, isUnnamed };
  await yieldNow();
  const pending = countPending(templates);
  const base = { now, labelCase, classes, holds, doubts };
  const show = async (rows: readonly HeadRow[]) => {
    const shown = await describeHeads(db, rows, { now, templates, activeBlocks, isUnnamed, query });
    const demands = groups.map((group) =>
      demandOf(group, {
        live: live.get(group.id) ?? 0,
        head: shown.heads.get(group.id) ?? [],
        pendingCount: pending.get(group.id) ?? 0,
      }),
    );
    return { ...base, groups: demands, undispatchable: shown.undispatchable };
  };
  const rows = await loadHeads(db, {
    ...{ ...asked, activeBlocks, withOwnTargets, doubts, pending },
    held: holds.reduce((sum, { count }) => sum + count, 0),
    findRoom: async (some) => findRoom({ ...(await show(some)), allowances: [] }),
  });
  await yieldNow();
  return {
    ...(await show(rows)),
    endedHolds: ended,
    displaced,
    nextDueAt: await findNextDue(db, forgeId, activeBlocks, now),
  };
}

/** Those of attempts that sent an id, too, where runs of their workflow are known not to bear it. */
async function listAllDoubts(
  db: Kysely<Schema>,
  query: DispatchQuery,
  { dbNow, areNone }: Pick<LoadContext, 'dbNow'> & { readonly areNone: boolean },
): Promise<Doubt[]> {
  const doubts = await listDoubts(db, query, dbNow);
  return areNone ? doubts : [...doubts, ...(await listLostNames(db, query, dbNow))];
}

function demandOf(
  group: Group,
  counted: Pick<GroupDemand, 'live' | 'head' | 'pendingCount'>,
): GroupDemand {
  const { id, name, runnerLabels, runnerScopes, isEnabled, isPaused, maxParallel } = group;
  const scopes = runnerScopes;
  return { id, name, labels: runnerLabels, scopes, isEnabled, isPaused, maxParallel, ...counted };
}

function countPending(templates: readonly WaitingTemplate[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { group_id, n } of templates) counts.set(group_id, (counts.get(group_id) ?? 0) + n);
  return counts;
}

interface ScopeListing {
  readonly scope: string;
  readonly completedSentAt: number | null;
  readonly listedAt: number | null;
}

async function listScopeListings(db: Kysely<Schema>, forgeId: string): Promise<ScopeListing[]> {
  return db
    .selectFrom('runner_scopes')
    .select(['scope', 'pass_sent_at as completedSentAt', 'pass_at as listedAt'])
    .where('forge_id', '=', forgeId)
    .execute();
}

/** One that the last listing did not show may be gone: it is not free until it is seen again. */
async function listClasses(
  db: Kysely<Schema>,
  forgeId: string,
  freshScopes: ReadonlySet<string>,
): Promise<RunnerClass[]> {
  interface Row {
    scope: string;
    label_set: string;
    total: number;
    online: number;
    free: number;
  }
  const { rows } = await sql<Row>`
    select scope, label_set, count(*) as total,
      sum(case when status = 'online' then 1 else 0 end) as online,
      sum(case when status = 'online' and is_busy = 0 and missed_passes = 0 then 1 else 0 end) as free
    from runners where forge_id = ${forgeId} group by scope, label_set
  `.execute(db);
  return rows.map((row) => {
    const isFresh = freshScopes.has(row.scope);
    return {
      scope: row.scope,
      labels: stringsOf(row.label_set),
      free: isFresh ? row.free : 0,
      online: row.online,
      total: row.total,
      isFresh,
    };
  });
}

async function listGroups(db: Kysely<Schema>, forgeId: string): Promise<Group[]> {
  const rows = await selectGroups(db).where('g.forge_id', '=', forgeId).orderBy('g.id').execute();
  return rows.map(groupOf);
}

async function listWaitingTemplates(
  db: Kysely<Schema>,
  forgeId: string,
): Promise<WaitingTemplate[]> {
  const { rows } = await sql<WaitingTemplate>`
    select c.group_id, c.template_id, c.n, t.owner, t.repo, t.workflow_id, t.ref, t.runners,
      t.correlation_input
    from groups g
    join job_counts c on c.group_id = g.id and c.state = 'pending'
    left join templates t on t.id = c.template_id
    where g.forge_id = ${forgeId} and c.n > 0
    union all
    select c.group_id, v.id, cast(0 as bigint), v.owner, v.repo, v.workflow_id, v.ref, v.runners,
      v.correlation_input
    from groups g
    join job_counts c on c.group_id = g.id and c.state = 'pending'
    join template_versions v on v.template_id = c.template_id
    where g.forge_id = ${forgeId} and c.n > 0
  `.execute(db);
  return rows;
}

async function listActiveBlocks(db: Kysely<Schema>, forgeId: string): Promise<TargetBlockRow[]> {
  return db
    .selectFrom('target_blocks')
    .selectAll()
    .where('forge_id', '=', forgeId)
    .where('next_probe_at', 'is not', null)
    .execute();
}

async function countLive(db: Kysely<Schema>, forgeId: string): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('attempts')
    .select(['group_id', (eb) => eb.fn.countAll<number>().as('n')])
    .where('forge_id', '=', forgeId)
    .where('ended_at', 'is', null)
    .groupBy('group_id')
    .execute();
  return new Map(rows.map((row) => [row.group_id, row.n]));
}

async function findNextDue(
  db: Kysely<Schema>,
  forgeId: string,
  activeBlocks: readonly TargetBlockRow[],
  now: number,
): Promise<number | null> {
  const { rows } = await sql<{ at: number | null }>`
    select min(not_before) as at from jobs
    where forge_id = ${forgeId} and state = 'pending' and not_before is not null and not_before > ${now}
  `.execute(db);
  const probes = activeBlocks.flatMap(({ next_probe_at }) => next_probe_at ?? []);
  const moments = [...probes.filter((at) => at > now), ...rows.flatMap(({ at }) => at ?? [])];
  return moments.length === 0 ? null : Math.min(...moments);
}
