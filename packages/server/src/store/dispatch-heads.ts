/**
 * The first jobs of each group that could be sent now. A job that cannot be (put off, its target blocked, no free
 * runner for its repository) is passed over inside the index, so that it never hides the jobs behind it.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { findScope } from '../domain/runner.ts';
import { chunksOf } from './dialect/chunks.ts';
import { isBlocked } from './dispatch-targets.ts';
import type { JobRow, Schema } from './schema.ts';

export type HeadRow = Pick<
  JobRow,
  | 'id'
  | 'group_id'
  | 'template_id'
  | 'priority'
  | 'rank'
  | 'created_at'
  | 'owner'
  | 'repo'
  | 'workflow_id'
  | 'ref'
>;

/** What to read of one group. */
export interface HeadQuery {
  readonly groupId: string;
  readonly most: number;
  /** Templates whose jobs, unless these name a target of their own, are passed over. */
  readonly withoutTemplates: readonly string[];
  /** Jobs with a target of their own are passed over unless one of these scopes covers it; `null`: whichever. */
  readonly scopes: readonly string[] | null;
}

const HEADS_PER_STATEMENT = 200;
const UNION = sql.raw(' union all ');

const COLUMNS = sql.raw(
  'id, group_id, template_id, priority, rank, created_at, owner, repo, workflow_id, ref',
);

/** Word for word the condition of the index `jobs_own_target`. */
const HAS_OWN_TARGET = sql.raw(
  '(template_id is null or owner is not null or repo is not null or workflow_id is not null or ref is not null)',
);
const HAS_TEMPLATE_TARGET = sql.raw(
  '(template_id is not null and owner is null and repo is null and workflow_id is null and ref is null)',
);
const FIRST = sql.raw('order by priority desc, rank, id limit');
const IS_CLAIMABLE = sql.raw(`state = 'pending' and is_paused = 0`);

export async function listHeads(
  db: Kysely<Schema>,
  queries: readonly HeadQuery[],
  now: number,
): Promise<HeadRow[]> {
  const found: HeadRow[] = [];
  for (const chunk of chunksOf(queries, HEADS_PER_STATEMENT)) {
    const selects = chunk.map((query) => selectHead(query, now));
    const { rows } = await sql<HeadRow>`${sql.join(selects, UNION)}`.execute(db);
    found.push(...rows);
  }
  return found;
}

function selectHead(query: HeadQuery, now: number): RawBuilder<HeadRow> {
  return sql`
    select * from (
      select ${COLUMNS} from jobs
      where group_id = ${query.groupId} and ${IS_CLAIMABLE}
        and (not_before is null or not_before <= ${now}) and ${mayBeSent(query, now)}
      ${FIRST} ${query.most}
    ) as head`;
}

function mayBeSent({ withoutTemplates, scopes }: HeadQuery, now: number): RawBuilder<unknown> {
  const byTemplate =
    withoutTemplates.length === 0
      ? HAS_TEMPLATE_TARGET
      : sql`(${HAS_TEMPLATE_TARGET} and template_id not in (${sql.join(withoutTemplates)}))`;
  const covered = scopes === null ? sql`` : sql`and ${isCovered(scopes)}`;
  return sql`(${byTemplate} or (${HAS_OWN_TARGET} ${covered} and not ${isBlocked(now)}))`;
}

const effective = (field: string): string =>
  `coalesce(nullif(jobs.${field}, ''), (select t.${field} from templates t where t.id = jobs.template_id), '')`;
const HAS_NO_REPO = sql.raw(`${effective('owner')} = '' or ${effective('repo')} = ''`);
const OWNER = sql.raw(`lower(${effective('owner')})`);
const REPO = sql.raw(`lower(${effective('owner')} || '/' || ${effective('repo')})`);
const NONE = sql.raw(`('')`);
const ALWAYS = sql.raw('1 = 1');

/** As `scopeCovers` says it, for a job with a target of its own. One without owner or repo passes: it is to fail, not to wait. */
function isCovered(scopes: readonly string[]): RawBuilder<unknown> {
  const found = scopes.flatMap((scope) => findScope(scope) ?? []);
  if (found.some(({ kind }) => kind === 'enterprise')) return ALWAYS;
  const namesOf = (kind: 'org' | 'repo'): RawBuilder<unknown> => {
    const names = found
      .filter((scope) => scope.kind === kind)
      .map(({ name }) => name.toLowerCase());
    return names.length === 0 ? NONE : sql`(${sql.join(names)})`;
  };
  return sql`(${HAS_NO_REPO} or ${OWNER} in ${namesOf('org')} or ${REPO} in ${namesOf('repo')})`;
}

/** In dispatch order. */
export function byOrder(a: HeadRow, b: HeadRow): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (a.rank !== b.rank) return a.rank - b.rank;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
