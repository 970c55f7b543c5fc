/** Moments to wait for that no pause could have set: a clock was ahead when they were, and has been put right. */
import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Database, WriteTx } from '../database.ts';
import { holdsLease } from '../leases.ts';
import { isWatchedRow } from '../moves/attempts.ts';
import type { Fence } from '../port/leases.ts';
import { MAY_BE_IN_DOUBT } from '../runs/doubts.ts';
import type { Schema } from '../schema.ts';

/** Clocks of servers that share a database differ, and are set right by little. */
const MARGIN_MS = 60_000;

/**
 * Without this a workflow that failed once stays stopped, a requeued job waits, and a claim whose sender died keeps its job
 * for as long as the clock was ahead.
 *
 * @param longestPauseMs of all that set such a moment
 */
export async function endFarPauses(
  database: Database,
  fence: Fence,
  forgeId: string,
  longestPauseMs: number,
): Promise<boolean> {
  const aheadMs = longestPauseMs + MARGIN_MS;
  const far = conditionsOf(database, forgeId, aheadMs);
  if (!(await isAnyFar(database.read, far(database.clock.now())))) return false;
  return database.write(async (tx) => {
    if (!(await holdsLease(tx, database, fence))) return false;
    await endAll(tx, database, far(tx.now));
    return true;
  });
}

interface Far {
  readonly block: RawBuilder<SqlBool>;
  readonly job: RawBuilder<SqlBool>;
  readonly attempts: readonly RawBuilder<SqlBool>[];
}

/** By the clocks that set them: send deadlines go by the database's. */
function conditionsOf({ dbNow }: Database, forgeId: string, aheadMs: number): (now: number) => Far {
  const ofForge = sql<SqlBool>`forge_id = ${forgeId}`;
  const ahead = sql.lit(aheadMs);
  const late = sql<SqlBool>`${ofForge} and send_deadline > ${dbNow} + ${ahead}`;
  return (now) => ({
    block: sql<SqlBool>`${ofForge} and (next_probe_at > ${now + aheadMs} or since > ${now + MARGIN_MS})`,
    job: sql<SqlBool>`${ofForge} and state = 'pending' and not_before is not null and not_before > ${now + aheadMs}`,
    // Three, each with an index of its own.
    attempts: [
      sql<SqlBool>`${late} and ended_at is null`,
      sql<SqlBool>`${late} and ${MAY_BE_IN_DOUBT}`,
      sql<SqlBool>`${late} and ${isWatchedRow}`,
    ],
  });
}

async function isAnyFar(db: Kysely<Schema>, { block, job, attempts }: Far): Promise<boolean> {
  const ofAttempts = attempts.map((one) => sql`or exists (select 1 from attempts where ${one})`);
  const { rows } = await sql<{ is_any: number }>`
    select case when exists (select 1 from target_blocks where ${block})
      or exists (select 1 from jobs where ${job}) ${sql.join(ofAttempts, sql` `)} then 1 else 0 end as is_any
  `.execute(db);
  return rows[0]?.is_any === 1;
}

/** A probe and a job are due; a sending is as if it had just been over. */
async function endAll(
  { db, now }: WriteTx,
  { dbNow }: Database,
  { block, job, attempts }: Far,
): Promise<void> {
  const notAhead = (column: string): RawBuilder<number> =>
    sql<number>`case when ${sql.ref(column)} > ${sql.lit(now)} then ${sql.lit(now)} else ${sql.ref(column)} end`;
  await db
    .updateTable('target_blocks')
    .set({ next_probe_at: notAhead('next_probe_at'), since: notAhead('since') })
    .where(block)
    .execute();
  await db.updateTable('jobs').set({ not_before: null }).where(job).execute();
  for (const one of attempts) {
    await db.updateTable('attempts').set({ send_deadline: dbNow }).where(one).execute();
  }
}
