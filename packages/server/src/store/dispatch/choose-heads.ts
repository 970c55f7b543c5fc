/** Which jobs of which groups the planner is shown, and how many: as many as could go, and who waits first. */
import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';
import { listBeside } from './beside.ts';
import {
  type GroupView,
  type HeadContext,
  inOrder,
  MORE_THAN_FREE,
  MOST_AT_ONCE,
  originOfWaiting,
  queryOf,
  targetOfWaiting,
  viewGroup,
} from './group-view.ts';
import { type HeadQuery, type HeadRow, listHeads } from './heads.ts';
import { listHeldBack } from './held-back.ts';
import { blocks } from './targets.ts';

/** In order, each job once. */
export async function loadHeads(
  db: Kysely<Schema>,
  state: Omit<HeadContext, 'heldBack'>,
): Promise<HeadRow[]> {
  const context = { ...state, heldBack: await listHeldBack(db, state) };
  const waitingIn = Map.groupBy(context.templates, (row) => row.group_id);
  const views = context.groups
    .filter((group) => group.isEnabled && !group.isPaused && waitingIn.has(group.id))
    .map((group) => viewGroup(context, group, waitingIn.get(group.id) ?? []));
  const waiting = await listHeads(db, views.flatMap(whoWaits), context);
  const going = await listGoing(db, views, context);
  const beside = await listBeside(db, going, views, context);
  return oneOfEachProbe(inOrder([...waiting, ...beside]), context);
}

/** Whatever the runners: for these the plan says what they wait for. */
function whoWaits({ base, scopes, blocked, uncovered }: GroupView): HeadQuery[] {
  if (scopes.length > 0 && uncovered.length === 0) return [];
  const read = { most: MORE_THAN_FREE, withoutTemplates: blocked, scopes: null };
  return [{ ...base, ...read, withoutOwnOf: [], withoutOwn: [] }];
}

/**
 * If all that could go is more than is read at once, groups get their share in the order in which they compete. Of the
 * others only those who wait first are read.
 */
async function listGoing(
  db: Kysely<Schema>,
  views: readonly GroupView[],
  context: HeadContext,
): Promise<HeadRow[]> {
  const queries = views.filter(({ scopes }) => scopes.length > 0).map(queryOf);
  if (sum(queries) <= MOST_AT_ONCE) return listHeads(db, queries, context);
  const few = queries.map((query) => ({ ...query, most: MORE_THAN_FREE }));
  const first = await listHeads(db, few, context);
  const ranked = first.toSorted((a, b) => b.priority - a.priority || a.created_at - b.created_at);
  const order = [...new Set(ranked.map((row) => row.group_id))];
  const byGroup = new Map(queries.map((query) => [query.groupId, query]));
  let room = MOST_AT_ONCE;
  const more = order.flatMap((groupId) => {
    const query = byGroup.get(groupId);
    if (query === undefined || room <= MORE_THAN_FREE) return [];
    const most = Math.min(query.most, room);
    room -= most;
    return [{ ...query, most }];
  });
  return [...first, ...(await listHeads(db, more, context))];
}

function sum(queries: readonly HeadQuery[]): number {
  return queries.reduce((total, query) => total + query.most, 0);
}

/**
 * A target whose probe is due is shown once per group: only one job of it will be sent, by the group that has a
 * runner first; what stands behind the others is read too. One that takes fewer runners is shown as well: it may be the
 * only one that there is room for.
 */
function oneOfEachProbe(
  rows: readonly HeadRow[],
  { templates, activeBlocks, now }: HeadContext,
): HeadRow[] {
  const due = activeBlocks.filter((row) => (row.next_probe_at ?? Infinity) <= now);
  if (due.length === 0) return [...rows];
  const byId = new Map(templates.map((row) => [row.template_id, row]));
  const fewest = new Map<string, number>();
  return rows.filter((row) => {
    const origin = originOfWaiting(row, byId);
    const runners = origin?.runners ?? 1;
    const target = targetOfWaiting(row, origin);
    const keys = due.flatMap((block, n) => (blocks(block, target) ? `${n} ${row.group_id}` : []));
    if (keys.some((key) => (fewest.get(key) ?? Infinity) <= runners)) return false;
    for (const key of keys) fewest.set(key, runners);
    return true;
  });
}
