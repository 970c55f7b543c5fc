/** Places in line: what the wire calls `position` while a job is pending. Counted inside the index, never loaded. */
import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Job } from '../../domain/job.ts';
import type { ListedJob } from '../port/jobs.ts';
import { jobOf } from '../rows.ts';
import type { JobRow, Schema } from '../schema.ts';

type Place = Pick<JobRow, 'group_id' | 'priority' | 'rank' | 'id'>;

/** Far fewer than a deep queue, far more than people look at. */
const NEAR = 500;

/** Both halves of an order, each one range of the index: joined by `or` they would be read to the end of the queue. */
type Side = readonly [RawBuilder<SqlBool>, RawBuilder<SqlBool>];

function before({ priority, rank, id }: Place): Side {
  return [
    sql<SqlBool>`priority > ${priority}`,
    sql<SqlBool>`priority = ${priority} and (rank, id) < (${rank}, ${id})`,
  ];
}

function after({ priority, rank, id }: Place): Side {
  return [
    sql<SqlBool>`priority = ${priority} and (rank, id) > (${rank}, ${id})`,
    sql<SqlBool>`priority < ${priority}`,
  ];
}

interface Counting {
  readonly most?: number;
  readonly isUnpaused?: boolean;
}

async function countSide(
  db: Kysely<Schema>,
  groupId: string,
  [first, second]: Side,
  { most, isUnpaused = false }: Counting = {},
): Promise<number> {
  const select = (range: RawBuilder<SqlBool>): RawBuilder<unknown> => sql`
    select 1 from jobs
    where group_id = ${groupId} and state = 'pending' and ${range}
      ${isUnpaused ? sql`and is_paused = 0` : sql``}`;
  const limit = most === undefined ? sql`` : sql`limit ${most}`;
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from (${select(first)} union all ${select(second)} ${limit}) as near
  `.execute(db);
  return rows[0]?.n ?? 0;
}

/** Pending jobs of the group that stand before this place. */
export async function countBefore(db: Kysely<Schema>, place: Place): Promise<number> {
  return countSide(db, place.group_id, before(place));
}

/** Of those, the ones that can be sent before it: not paused. */
export async function countAhead(db: Kysely<Schema>, place: Place): Promise<number> {
  return countSide(db, place.group_id, before(place), { isUnpaused: true });
}

/** Near either end, where jobs are added and looked at, it costs the same however long the queue is. */
async function findPlace(db: Kysely<Schema>, place: Place): Promise<number> {
  const near = { most: NEAR };
  // The tail first: that is where each new job is looked for.
  const nearAfter = await countSide(db, place.group_id, after(place), near);
  if (nearAfter < NEAR) {
    const pending = await countPending(db, place.group_id);
    return Math.max(0, pending - nearAfter - 1);
  }
  const nearBefore = await countSide(db, place.group_id, before(place), near);
  return nearBefore < NEAR ? nearBefore : countBefore(db, place);
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
