import { type Kysely, type RawBuilder, sql } from 'kysely';
import { PRIORITY_MAX, PRIORITY_MIN } from '../../domain/job.ts';
import type { Database } from '../database.ts';
import type { QueuePage } from '../port/jobs.ts';
import { jobOf } from '../rows.ts';
import type { JobRow, Schema } from '../schema.ts';
import { countBefore, withPosition } from './queue-place.ts';

/** After which row a page goes on: in the active part by time, in the pending part by order. */
type Cursor =
  | { readonly part: 'active'; readonly triggeredAt: number; readonly id: string }
  | {
      readonly part: 'pending';
      readonly priority: number;
      readonly rank: number;
      readonly id: string;
    };

/** A cursor that we did not make reads from the start, as an unparsable one of the history does. */
export async function listQueue(
  database: Database,
  groupId: string,
  page: { limit?: number; cursor?: string },
): Promise<QueuePage> {
  const after = page.cursor === undefined ? undefined : parseCursor(page.cursor);
  const most = page.limit === undefined ? undefined : page.limit + 1;
  return database.snapshot(async (db) => {
    const active = after?.part === 'pending' ? [] : await listActive(db, groupId, { after, most });
    const room = most === undefined ? undefined : most - active.length;
    const from = after?.part === 'pending' ? after : undefined;
    const pending = room === 0 ? [] : await listPending(db, groupId, { after: from, most: room });
    const rows = [...active, ...pending].slice(0, page.limit);
    const isMore = page.limit !== undefined && active.length + pending.length > page.limit;
    const place = await firstPlace(db, pending[0], from !== undefined);
    const last = rows.at(-1);
    return {
      jobs: withPlaces(rows, place),
      nextCursor: isMore && last !== undefined ? cursorOf(last) : null,
    };
  });
}

/** Pages from the start begin at 0; only a later one has to count what it left behind. */
async function firstPlace(
  db: Kysely<Schema>,
  first: JobRow | undefined,
  isLaterPage: boolean,
): Promise<number> {
  return first === undefined || !isLaterPage ? 0 : countBefore(db, first);
}

function withPlaces(rows: readonly JobRow[], firstPending: number): QueuePage['jobs'] {
  let place = firstPending;
  return rows.map((row) => {
    const position = row.state === 'pending' ? place : row.number;
    if (row.state === 'pending') place += 1;
    return withPosition(jobOf(row), position);
  });
}

interface Part {
  readonly after: Cursor | undefined;
  readonly most: number | undefined;
}

async function listActive(
  db: Kysely<Schema>,
  groupId: string,
  { after, most }: Part,
): Promise<JobRow[]> {
  const beyond =
    after?.part === 'active'
      ? sql`and (triggered_at, id) > (${after.triggeredAt}, ${after.id})`
      : sql``;
  const { rows } = await sql<JobRow>`
    select * from jobs
    where group_id = ${groupId} and state in ('triggered', 'running') ${beyond}
    order by triggered_at, id ${limit(most)}
  `.execute(db);
  return rows;
}

/** After a cursor in two steps, each one range of the index: the rest of its priority, then all lower ones. */
async function listPending(
  db: Kysely<Schema>,
  groupId: string,
  { after, most }: Part,
): Promise<JobRow[]> {
  if (after?.part !== 'pending') return listRange(db, groupId, sql``, most);
  const { priority, rank, id } = after;
  const same = sql`and priority = ${priority} and (rank, id) > (${rank}, ${id})`;
  const rows = await listRange(db, groupId, same, most);
  const room = most === undefined ? undefined : most - rows.length;
  if (room === 0) return rows;
  return [...rows, ...(await listRange(db, groupId, sql`and priority < ${priority}`, room))];
}

async function listRange(
  db: Kysely<Schema>,
  groupId: string,
  range: RawBuilder<unknown>,
  most: number | undefined,
): Promise<JobRow[]> {
  const { rows } = await sql<JobRow>`
    select * from jobs
    where group_id = ${groupId} and state = 'pending' ${range}
    order by priority desc, rank, id ${limit(most)}
  `.execute(db);
  return rows;
}

function limit(most: number | undefined): RawBuilder<unknown> {
  return most === undefined ? sql`` : sql`limit ${most}`;
}

function cursorOf(row: JobRow): string {
  const parts =
    row.state === 'pending'
      ? ['pending', row.priority, row.rank, row.id]
      : ['active', row.triggered_at, row.id];
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

function parseCursor(text: string): Cursor | undefined {
  const parts = parseArray(Buffer.from(text, 'base64url').toString());
  const [part, first, second, third] = parts;
  if (part === 'active' && isWhole(first) && isId(second)) {
    return { part, triggeredAt: first, id: second };
  }
  if (part === 'pending' && isPriority(first) && isWhole(second) && isId(third)) {
    return { part, priority: first, rank: second, id: third };
  }
  return undefined;
}

function parseArray(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

/** What a column cannot hold would fail the query instead of being passed over. */
function isPriority(value: unknown): value is number {
  return isWhole(value) && value >= PRIORITY_MIN && value <= PRIORITY_MAX;
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{1,64}$/.test(value);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
