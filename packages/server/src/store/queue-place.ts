/** Places in line: what the wire calls `position` while a job is pending. Counted inside the index, never loaded. */
import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Job } from '../domain/job.ts';
import { jobOf } from './rows.ts';
import type { JobRow, Schema } from './schema.ts';
import type { ListedJob } from './store.ts';

type Place = Pick<JobRow, 'group_id' | 'priority' | 'rank' | 'id'>;

/** Far fewer than a deep queue, far more than people look at. */
const NEAR = 2_000;

const isPending = sql<SqlBool>`state = 'pending'`;

function isBefore(place: Place): RawBuilder<SqlBool> {
  const { priority, rank, id } = place;
  return sql<SqlBool>`priority > ${priority} or (priority = ${priority} and (rank, id) < (${rank}, ${id}))`;
}

function isAfter(place: Place): RawBuilder<SqlBool> {
  const { priority, rank, id } = place;
  return sql<SqlBool>`priority < ${priority} or (priority = ${priority} and (rank, id) > (${rank}, ${id}))`;
}

async function countUpTo(
  db: Kysely<Schema>,
  groupId: string,
  where: RawBuilder<SqlBool>,
  most: number | undefined,
): Promise<number> {
  const limit = most === undefined ? sql`` : sql`limit ${most}`;
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from (
      select 1 from jobs where group_id = ${groupId} and ${isPending} and (${where}) ${limit}
    ) as near
  `.execute(db);
  return rows[0]?.n ?? 0;
}

/** Pending jobs of the group that stand before this place. */
export async function countBefore(db: Kysely<Schema>, place: Place): Promise<number> {
  return countUpTo(db, place.group_id, isBefore(place), undefined);
}

/** Of those, the ones that can be sent before it: not paused. */
export async function countAhead(db: Kysely<Schema>, place: Place): Promise<number> {
  return countUpTo(db, place.group_id, sql`(${isBefore(place)}) and is_paused = 0`, undefined);
}

/** Near either end, where jobs are added and looked at, it costs the same however long the queue is. */
async function findPlace(db: Kysely<Schema>, place: Place): Promise<number> {
  const before = await countUpTo(db, place.group_id, isBefore(place), NEAR);
  if (before < NEAR) return before;
  const after = await countUpTo(db, place.group_id, isAfter(place), NEAR);
  if (after === NEAR) return countBefore(db, place);
  const pending = await countPending(db, place.group_id);
  return Math.max(0, pending - after - 1);
}

async function countPending(db: Kysely<Schema>, groupId: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select cast(coalesce(sum(n), 0) as bigint) as n from job_counts
    where group_id = ${groupId} and state = 'pending'
  `.execute(db);
  return rows[0]?.n ?? 0;
}

/** As lists show it. */
export async function listed(db: Kysely<Schema>, row: JobRow): Promise<ListedJob> {
  const position = row.state === 'pending' ? await findPlace(db, row) : row.number;
  return withPosition(jobOf(row), position);
}

export function withPosition(job: Job, position: number): ListedJob {
  return { ...job, position };
}
