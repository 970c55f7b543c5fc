/**
 * A page of history costs what the page holds, at a million rows too: each state (with a label filter: each
 * template and state) is one run of index entries in the order wanted, and the page is a merge of their heads.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { StringMap } from '../../domain/job.ts';
import { chunksOf } from '../chunks.ts';
import type { Database } from '../database.ts';
import type { HistoryPage, HistoryQuery } from '../port/jobs.ts';
import { jobOf, stringMapOf } from '../rows.ts';
import type { JobRow, Schema } from '../schema.ts';
import { type HistoryCursor, historyCursorOf, parseHistoryCursor } from './history-cursor.ts';
import { withPosition } from './queue-place.ts';

/** SQLite joins at most 500 selects in one statement. */
const RUNS_PER_STATEMENT = 200;

type Ended = Pick<JobRow, 'id'> & { readonly completed_at: number };

/** One run of the index. `templateId` null: whichever template. */
interface Run {
  readonly templateId: string | null;
  readonly state: string;
}

export async function listHistory(
  database: Database,
  groupId: string,
  query: HistoryQuery,
): Promise<HistoryPage> {
  const cursor = query.before === null ? undefined : parseHistoryCursor(query.before);
  return database.snapshot(async (db) => {
    const { runs, totalCount } = await findRuns(db, groupId, query);
    const found = await mergeHeads(db, { groupId, runs, cursor, most: query.limit + 1 });
    const jobs = (await loadInOrder(db, found.slice(0, query.limit))).map((row) =>
      withPosition(jobOf(row), row.number),
    );
    const last = jobs.at(-1);
    return {
      jobs,
      hasMore: found.length > query.limit,
      nextCursor: last === undefined ? null : historyCursorOf(last),
      totalCount,
    };
  });
}

async function findRuns(
  db: Kysely<Schema>,
  groupId: string,
  { states, labels }: HistoryQuery,
): Promise<{ runs: Run[]; totalCount: number }> {
  if (states.length === 0) return { runs: [], totalCount: 0 };
  const all = await db
    .selectFrom('job_counts')
    .select(['template_id', 'state', 'n'])
    .where('group_id', '=', groupId)
    .where('state', 'in', states)
    .where('n', '>', 0)
    .execute();
  const isFiltered = Object.keys(labels).length > 0;
  const fitting = isFiltered ? await listTemplatesWith(db, labels) : undefined;
  const counts = all.filter((row) => fitting?.has(row.template_id) !== false);
  const runs = isFiltered
    ? counts.map((row) => ({ templateId: row.template_id, state: row.state }))
    : [...new Set(counts.map((row) => row.state))].map((state) => ({ templateId: null, state }));
  return { runs, totalCount: counts.reduce((sum, row) => sum + row.n, 0) };
}

/** Manual jobs have no template, and never match. A job's own labels do not count: as it was. */
async function listTemplatesWith(db: Kysely<Schema>, labels: StringMap): Promise<Set<string>> {
  const templates = await db
    .selectFrom('templates')
    .select(['id', 'labels'])
    .where('labels', 'is not', null)
    .execute();
  const wanted = Object.entries(labels);
  const fitting = templates.filter((template) => {
    const has = new Map(Object.entries(stringMapOf(template.labels) ?? {}));
    return wanted.every(([key, value]) => has.get(key) === value);
  });
  return new Set(fitting.map((template) => template.id));
}

interface Heads {
  readonly groupId: string;
  readonly runs: readonly Run[];
  readonly cursor: HistoryCursor | undefined;
  readonly most: number;
}

async function mergeHeads(db: Kysely<Schema>, heads: Heads): Promise<Ended[]> {
  const found: Ended[] = [];
  for (const runs of chunksOf(heads.runs, RUNS_PER_STATEMENT)) {
    const selects = runs.map((run) => selectHead(heads, run));
    const { rows } = await sql<Ended>`
      ${sql.join(selects, sql` union all `)}
      order by completed_at desc, id desc limit ${heads.most}
    `.execute(db);
    found.push(...rows);
  }
  return found.sort(newestFirst).slice(0, heads.most);
}

function selectHead({ groupId, cursor, most }: Heads, run: Run): RawBuilder<Ended> {
  const ofTemplate = run.templateId === null ? sql`` : sql`and template_id = ${run.templateId}`;
  return sql`
    select id, completed_at from (
      select id, completed_at from jobs
      where group_id = ${groupId} ${ofTemplate} and state = ${run.state}
        and completed_at is not null ${beyond(cursor)}
      order by completed_at desc, id desc limit ${most}
    ) as head`;
}

function beyond(cursor: HistoryCursor | undefined): RawBuilder<unknown> {
  if (cursor === undefined) return sql``;
  if (cursor.id === null) return sql`and completed_at < ${cursor.before}`;
  return sql`and (completed_at, id) < (${cursor.before}, ${cursor.id})`;
}

function newestFirst(a: Ended, b: Ended): number {
  if (a.completed_at !== b.completed_at) return b.completed_at - a.completed_at;
  return a.id < b.id ? 1 : -1;
}

async function loadInOrder(db: Kysely<Schema>, ended: readonly Ended[]): Promise<JobRow[]> {
  if (ended.length === 0) return [];
  const ids = ended.map((each) => each.id);
  const rows = await db.selectFrom('jobs').selectAll().where('id', 'in', ids).execute();
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}
