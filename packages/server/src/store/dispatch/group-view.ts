/** What there is to choose from: a group as its waiting jobs and the free runners make it look. */
import type { PlanRoom } from '../../domain/dispatch-plan/dispatch-plan.ts';
import type { RunnerClass } from '../../domain/dispatch-state.ts';
import type { Doubt } from '../../domain/doubt.ts';
import type { Group } from '../../domain/group.ts';
import { type DispatchTarget, targetOf } from '../../domain/job.ts';
import { labelsFit, scopeCovers } from '../../domain/runner.ts';
import type { Yield } from '../../lib/yield.ts';
import { targetOfJob } from '../rows.ts';
import type { TargetBlockRow, TemplateRow } from '../schema.ts';
import { byOrder, type HeadQuery, type HeadRow } from './heads.ts';
import { blocks } from './targets.ts';

/** Beyond the free runners: who waits first must be known even when nothing is free. */
export const MORE_THAN_FREE = 2;
const MOST_OF_GROUP = 250;
/**
 * Read at once. What lies beyond is read for the next plan, which the sends of this one bring on: sending so many takes
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

export interface HeadContext {
  readonly now: number;
  readonly yieldNow: Yield;
  readonly groups: readonly Group[];
  readonly classes: readonly RunnerClass[];
  readonly templates: readonly WaitingTemplate[];
  /** With a probe due or not. */
  readonly activeBlocks: readonly TargetBlockRow[];
  /** Of workflows that let others of their failing repository go first. */
  readonly heldBack: readonly TargetBlockRow[];
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

export interface GroupView {
  readonly base: Pick<HeadQuery, 'groupId' | 'forgeId' | 'hasOwnTargets'>;
  readonly free: number;
  /** Scopes with a free runner that fits. */
  readonly scopes: readonly string[];
  readonly blocked: readonly string[];
  /** Templates whose repository no scope with a free runner covers. */
  readonly uncovered: readonly string[];
}

export function viewGroup(
  context: HeadContext,
  group: Group,
  templates: readonly WaitingTemplate[],
): GroupView {
  const fitting = context.classes.filter(
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
    base: { groupId, forgeId, hasOwnTargets: context.withOwnTargets.has(groupId) },
    free: fitting.reduce((sum, one) => sum + one.free, 0),
    scopes,
    blocked: idsOf((row) => isStopped(context, templateTarget(row))),
    uncovered: idsOf(
      ({ owner, repo }) => !scopes.some((scope) => scopeCovers(scope, owner ?? '', repo ?? '')),
    ),
  };
}

function isStopped(context: HeadContext, target: DispatchTarget): boolean {
  return context.heldBack.some((row) => blocks(row, target)) || isPaused(context, target);
}

/** Blocked, and its probe is not due. */
export function isPaused(
  { activeBlocks, now }: Pick<HeadContext, 'activeBlocks' | 'now'>,
  target: DispatchTarget,
): boolean {
  return activeBlocks.some((row) => (row.next_probe_at ?? 0) > now && blocks(row, target));
}

export function runnersOf(row: WaitingTemplate | undefined): number {
  return Math.max(1, row?.runners ?? 1);
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

export function queryOf({ base, free, scopes, blocked, uncovered }: GroupView): HeadQuery {
  const most = Math.min(free + MORE_THAN_FREE, MOST_OF_GROUP);
  const withoutTemplates = [...blocked, ...uncovered];
  return { ...base, most, withoutTemplates, withoutOwnOf: [], withoutOwn: [], scopes };
}

/** Each job once. */
export function inOrder(rows: readonly HeadRow[]): HeadRow[] {
  return [...new Map(rows.map((row) => [row.id, row])).values()].sort(byOrder);
}
