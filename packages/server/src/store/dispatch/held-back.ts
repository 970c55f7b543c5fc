/** Which workflows of a failing repository wait, because a job of one that failed less could go now. */
import type { Kysely } from 'kysely';
import type { PlanRoom } from '../../domain/dispatch-plan/dispatch-plan.ts';
import { DoubtedTargets } from '../../domain/doubt.ts';
import { letOthersFirst, tiersPassed } from '../../domain/probe-yield.ts';
import type { Schema, TargetBlockRow } from '../schema.ts';
import { isOfSameRepository } from './failing-repository.ts';
import {
  type HeadContext,
  isPaused,
  runnersOf,
  templateTarget,
  type WaitingTemplate,
} from './group-view.ts';
import { isOneClaimable } from './heads.ts';
import { blocks } from './targets.ts';

type Context = Omit<HeadContext, 'heldBack'>;

/** The blocks of those workflows. */
export async function listHeldBack(
  db: Kysely<Schema>,
  context: Context,
): Promise<TargetBlockRow[]> {
  const failing = context.activeBlocks.filter(({ kind }) => kind === 'failing');
  const repositories = failing.filter(({ workflow_id }) => workflow_id === '');
  if (repositories.length === 0) return [];
  // What runs that are about to start leave, before any job takes one: failing workflows take the rest of that.
  const room = await context.findRoom([]);
  const held: TargetBlockRow[] = [];
  for (const repository of repositories) {
    const rows = failing.filter(
      (row) => row.workflow_id !== '' && isOfSameRepository(row, repository),
    );
    const mayGo = listUnhindered(context, room, repository);
    const passed = tiersPassed(repository.next_probe_at ?? context.now, context.now);
    const tiers = await listTiers(db, { rows, mayGo, most: passed + 1, now: context.now });
    held.push(...letOthersFirst(rows, tiers, passed));
  }
  return held;
}

/** Templates that go there, as far as their group, its runners, blocks and outcomes to wait for are known to let them. */
function listUnhindered(
  context: Context,
  room: PlanRoom,
  repository: TargetBlockRow,
): WaitingTemplate[] {
  const { templates, groups, doubts, isUnnamed } = context;
  const open = new Set(groups.filter((one) => one.isEnabled && !one.isPaused).map(({ id }) => id));
  const doubted = new DoubtedTargets(doubts);
  return templates.filter((row) => {
    if (row.owner === null || !open.has(row.group_id)) return false;
    const target = templateTarget(row);
    if (!blocks(repository, target)) return false;
    const input = row.correlation_input;
    const isNamed = input !== null && !isUnnamed(target, input);
    if (!isNamed && doubted.has(target)) return false;
    if (isPaused(context, target)) return false;
    const runners = runnersOf(row);
    return room.ofGroup(row.group_id).count(runners, target) >= runners;
  });
}

interface TierQuery {
  /** Failing workflows of the repository. */
  readonly rows: readonly TargetBlockRow[];
  readonly mayGo: readonly WaitingTemplate[];
  readonly most: number;
  readonly now: number;
}

/** The lowest counts of failures at which a job could be claimed: paused jobs, and those that wait a while, let nobody wait for them. */
async function listTiers(
  db: Kysely<Schema>,
  { rows, mayGo, most, now }: TierQuery,
): Promise<number[]> {
  const failuresOf = (template: WaitingTemplate): number =>
    rows.find((row) => blocks(row, templateTarget(template)))?.refusals ?? 0;
  const byFailures = [...Map.groupBy(mayGo, failuresOf)].sort(([a], [b]) => a - b);
  const tiers: number[] = [];
  for (const [failures, templates] of byFailures) {
    if (tiers.length >= most) break;
    const byGroup = Map.groupBy(templates, (row) => row.group_id);
    const madeFrom = [...byGroup].map(([groupId, ofGroup]) => ({
      groupId,
      templateIds: ofGroup.map((row) => row.template_id),
    }));
    if (await isOneClaimable(db, madeFrom, now)) tiers.push(failures);
  }
  return tiers;
}
