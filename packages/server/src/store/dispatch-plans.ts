import type { GroupPlan } from '../domain/dispatch-state.ts';
import type { Database } from './database.ts';
import { holdsLease } from './leases.ts';
import type { Fence } from './port/leases.ts';

/** A plan that says the same is only then written again: planning several times a second must cost no disk. */
const REFRESH_AFTER_MS = 5_000;

export async function savePlans(
  database: Database,
  fence: Fence,
  plans: readonly GroupPlan[],
): Promise<void> {
  const changed = await listChanged(database, plans);
  if (changed.length === 0) return;
  await database.write(async (tx) => {
    if (!(await holdsLease(tx, database, fence))) return;
    await tx.db
      .insertInto('group_plans')
      .values(
        changed.map((plan) => ({
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
  });
}

async function listChanged(database: Database, plans: readonly GroupPlan[]): Promise<GroupPlan[]> {
  if (plans.length === 0) return [];
  const ids = plans.map((plan) => plan.groupId);
  const rows = await database.read
    .selectFrom('group_plans')
    .selectAll()
    .where('group_id', 'in', ids)
    .execute();
  const stored = new Map(rows.map((row) => [row.group_id, planOf(row.plan)]));
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
