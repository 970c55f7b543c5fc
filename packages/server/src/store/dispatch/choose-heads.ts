/** Which jobs of which groups the planner is shown, and how many: as many as could go, and who waits first. */
import type { Kysely } from 'kysely';
import type { PlanRoom } from '../../domain/dispatch-plan.ts';
import type { RunnerClass } from '../../domain/dispatch-state.ts';
import type { Doubt } from '../../domain/doubt.ts';
import type { Group } from '../../domain/group.ts';
import { type DispatchTarget, targetOf } from '../../domain/job.ts';
import { labelsFit, scopeCovers } from '../../domain/runner.ts';
import type { Breathe } from '../../lib/turns.ts';
import { targetOfJob } from '../rows.ts';
import type { Schema, TargetBlockRow, TemplateRow } from '../schema.ts';
import { listBeside } from './beside.ts';
import { byOrder, type HeadQuery, type HeadRow, listHeads } from './heads.ts';
import { blocks } from './targets.ts';

/** Beyond the free runners: who waits first must be known even when nothing is free. */
const MORE_THAN_FREE = 2;
const MOST_OF_GROUP = 250;
/**
 * Read at once. What lies beyond is read by the next pass, which the sends of this one bring on: sending so many takes
 * seconds, loading them a few milliseconds.
 */
export const MOST_AT_ONCE = 500;

/**
 * How many jobs of one template wait in a group. `template_id` '' and no target: manual jobs. A version of a template
 * stands beside it under its own id, and its jobs are counted with the template's.
 */
export type WaitingTemplate = {
  readonly group_id: string;
  readonly template_id: string;
  readonly n: number;
} & {
  readonly [K in 'owner' | 'repo' | 'workflow_id' | 'ref' | 'runners' | 'correlation_input']:
    | TemplateRow[K]
    | null;
};

export interface HeadScene {
  readonly now: number;
  readonly breathe: Breathe;
  readonly groups: readonly Group[];
  readonly classes: readonly RunnerClass[];
  readonly templates: readonly WaitingTemplate[];
  /** With a probe due or not. */
  readonly activeBlocks: readonly TargetBlockRow[];
  /** Groups with jobs that have a target of their own. */
  readonly withOwnTargets: ReadonlySet<string>;
  readonly doubts: readonly Doubt[];
  /** How many jobs of each group are pending. */
  readonly pending: ReadonlyMap<string, number>;
  /** How many free runners are held for runs that are about to take them. */
  readonly held: number;
  /** What a plan of these jobs leaves to others. */
  readonly findRoom: (rows: readonly HeadRow[]) => Promise<PlanRoom>;
  /** The runs of this target are known not to bear the id that is sent in this input. */
  readonly isUnnamed: (target: DispatchTarget, input: string) => boolean;
}

export interface GroupSight {
  readonly base: Pick<HeadQuery, 'groupId' | 'forgeId' | 'hasOwnTargets'>;
  readonly free: number;
  /** Scopes with a free runner that fits. */
  readonly scopes: readonly string[];
  readonly blocked: readonly string[];
  /** Templates whose repository no scope with a free runner covers. */
  readonly uncovered: readonly string[];
}

/** In order, each job once. */
export async function loadHeads(db: Kysely<Schema>, scene: HeadScene): Promise<HeadRow[]> {
  const waitingIn = Map.groupBy(scene.templates, (row) => row.group_id);
  const sights = scene.groups
    .filter((group) => group.isEnabled && !group.isPaused && waitingIn.has(group.id))
    .map((group) => look(scene, group, waitingIn.get(group.id) ?? []));
  const waiting = await listHeads(db, sights.flatMap(whoWaits), scene);
  const going = await listGoing(db, sights, scene);
  const beside = await listBeside(db, going, sights, scene);
  return oneOfEachProbe(inOrder([...waiting, ...beside]), scene);
}

function look(scene: HeadScene, group: Group, templates: readonly WaitingTemplate[]): GroupSight {
  const fitting = scene.classes.filter(
    (one) =>
      one.free > 0 &&
      group.runnerScopes?.includes(one.scope) !== false &&
      labelsFit(one.labels, group.runnerLabels, group.labelCase),
  );
  const scopes = [...new Set(fitting.map((one) => one.scope))];
  const idsOf = (isMeant: (row: WaitingTemplate) => boolean): string[] =>
    templates.filter((row) => row.owner !== null && isMeant(row)).map((row) => row.template_id);
  const { id: groupId, forgeId } = group;
  return {
    base: { groupId, forgeId, hasOwnTargets: scene.withOwnTargets.has(groupId) },
    free: fitting.reduce((sum, one) => sum + one.free, 0),
    scopes,
    blocked: idsOf((row) => isStopped(scene, templateTarget(row))),
    uncovered: idsOf(
      ({ owner, repo }) => !scopes.some((scope) => scopeCovers(scope, owner ?? '', repo ?? '')),
    ),
  };
}

function isStopped({ activeBlocks, now }: HeadScene, target: DispatchTarget): boolean {
  return activeBlocks.some((row) => (row.next_probe_at ?? 0) > now && blocks(row, target));
}

export function templateTarget(row: WaitingTemplate): DispatchTarget {
  return targetOf({ ...row, workflowId: row.workflow_id }, undefined);
}

/** What the job is made from, of `templates` by id. */
export function originOfWaiting(
  { template_id, template_version }: HeadRow,
  templates: ReadonlyMap<string, WaitingTemplate>,
): WaitingTemplate | undefined {
  const version = template_version === null ? undefined : templates.get(template_version);
  return version ?? templates.get(template_id ?? '');
}

export function targetOfWaiting(
  job: HeadRow,
  template: WaitingTemplate | undefined,
): DispatchTarget {
  const { owner, repo, workflow_id, ref } = template ?? {};
  const own = {
    owner: owner ?? '',
    repo: repo ?? '',
    workflow_id: workflow_id ?? '',
    ref: ref ?? '',
  };
  return targetOfJob(job, own);
}

/** Whatever the runners: for these the plan says what they wait for. */
function whoWaits({ base, scopes, blocked, uncovered }: GroupSight): HeadQuery[] {
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
  sights: readonly GroupSight[],
  scene: HeadScene,
): Promise<HeadRow[]> {
  const queries = sights.filter(({ scopes }) => scopes.length > 0).map(queryOf);
  if (sum(queries) <= MOST_AT_ONCE) return listHeads(db, queries, scene);
  const few = queries.map((query) => ({ ...query, most: MORE_THAN_FREE }));
  const first = await listHeads(db, few, scene);
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
  return [...first, ...(await listHeads(db, more, scene))];
}

export function queryOf({ base, free, scopes, blocked, uncovered }: GroupSight): HeadQuery {
  const most = Math.min(free + MORE_THAN_FREE, MOST_OF_GROUP);
  const withoutTemplates = [...blocked, ...uncovered];
  return { ...base, most, withoutTemplates, withoutOwnOf: [], withoutOwn: [], scopes };
}

function sum(queries: readonly HeadQuery[]): number {
  return queries.reduce((total, query) => total + query.most, 0);
}

/** Each job once. */
export function inOrder(rows: readonly HeadRow[]): HeadRow[] {
  return [...new Map(rows.map((row) => [row.id, row])).values()].sort(byOrder);
}

/**
 * A target whose probe is due is shown once per group: only one job of it will be sent, by the group that has a
 * runner first; what stands behind the others is read too. One that takes fewer runners is shown as well: it may be the
 * only one that there is room for.
 */
function oneOfEachProbe(
  rows: readonly HeadRow[],
  { templates, activeBlocks, now }: HeadScene,
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
