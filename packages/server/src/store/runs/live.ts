import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Attempt } from '../../domain/attempt.ts';
import type { Yield } from '../../lib/yield.ts';
import { attemptOf } from '../rows.ts';
import type { Schema } from '../schema.ts';

/** There are as many as busy runners, thousands: so many at a time keep the thread for about a millisecond. */
const ROWS_PER_READ = 250;

/** Which of the live ones; default: all. */
export interface LiveFilter {
  /** What an index knows: the others are not looked at. */
  readonly only?: RawBuilder<SqlBool>;
  /** What costs a lookup for each. As a condition, one read would go on until so many hold, however many it has to test. */
  readonly test?: RawBuilder<SqlBool>;
}

/**
 * Those that have not ended, in the order of their claims. Read in pieces, so one that is claimed meanwhile may be
 * missing; whoever was claimed before is there.
 */
export async function listLiveAttempts(
  db: Kysely<Schema>,
  forgeId: string,
  yieldNow: Yield,
  { only = sql`1 = 1`, test = sql`1 = 1` }: LiveFilter = {},
): Promise<Attempt[]> {
  const found: Attempt[] = [];
  let last = { group_id: '', id: '' };
  for (;;) {
    await yieldNow();
    const rows = await db
      .selectFrom('attempts')
      .selectAll()
      .select(sql<number>`case when ${test} then 1 else 0 end`.as('is_meant'))
      .where('forge_id', '=', forgeId)
      .where('ended_at', 'is', null)
      .where(only)
      // By the index `attempts_live`.
      .where(sql<SqlBool>`(group_id, id) > (${last.group_id}, ${last.id})`)
      .orderBy('group_id')
      .orderBy('id')
      .limit(ROWS_PER_READ)
      .execute();
    found.push(...rows.filter((row) => row.is_meant === 1).map(attemptOf));
    last = rows.at(-1) ?? last;
    if (rows.length < ROWS_PER_READ) return found.sort(byClaim);
  }
}

function byClaim(a: Attempt, b: Attempt): number {
  return a.claimedAt - b.claimedAt || (a.id < b.id ? -1 : 1);
}
