import type { GroupPlan } from '../../domain/dispatch-state.ts';
import { chunksOf } from '../chunks.ts';
import type { Database, WriteTx } from '../database.ts';
import { holdsLease } from '../leases.ts';
import type { Fence } from '../port/leases.ts';

/** A plan that says the same is only then written again: planning several times a second must cost no disk. */
const REFRESH_AFTER_MS = 5_000;
const PLANS_PER_STATEMENT = 500;

export async function savePlans(
  database: Database,
  fence: Fence,
  plans: readonly GroupPlan[],
): Promise<void> {
  const changed = await listChanged(database, plans);
  if (changed.length === 0) return;
  await database.write(async (tx) => {
    if (!(await holdsLease(tx, database, fence))) return;
    for (const chunk of chunksOf(changed, PLANS_PER_STATEMENT)) await writePlans(tx, chunk);
  });
}

async function writePlans(tx: WriteTx, plans: readonly GroupPlan[]): Promise<void> {
  await tx.db
    .insertInto('group_plans')
    .values(
      plans.map((plan) => ({
        group_id: plan.groupId,
        planned_at: plan.plannedAt,
        plan: JSON.stringify(plan),
      })),
    )
    .onConflict((conflict) =>
      conflict.column('group_id').doUpdateSet((eb) => ({
        planned_at: eb.ref('excluded.planned_at'),
        plan: eb.ref('excluded.plan'),
      })),
    )
    .execute();
}

async function listChanged(database: Database, plans: readonly GroupPlan[]): Promise<GroupPlan[]> {
  const stored = new Map<string, GroupPlan>();
  for (const chunk of chunksOf(plans, PLANS_PER_STATEMENT)) {
    const rows = await database.read
      .selectFrom('group_plans')
      .selectAll()
      .where(
        'group_id',
        'in',
        chunk.map((plan) => plan.groupId),
      )
      .execute();
    for (const row of rows) stored.set(row.group_id, planOf(row.plan));
  }
  return plans.filter((plan) => !isCurrent(stored.get(plan.groupId), plan));
}

function isCurrent(stored: GroupPlan | undefined, plan: GroupPlan): boolean {
  if (stored === undefined) return false;
  const ageMs = plan.plannedAt - stored.plannedAt;
  if (ageMs < 0 || ageMs >= REFRESH_AFTER_MS) return false;
  return JSON.stringify({ ...stored, plannedAt: 0 }) === JSON.stringify({ ...plan, plannedAt: 0 });
}

export function planOf(text: string): GroupPlan {
  return JSON.parse(text) as GroupPlan;
}
