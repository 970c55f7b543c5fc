/**
 * The first jobs of each group that could be sent now. A job that cannot be (put off, its target blocked, no free
 * runner for its repository) is passed over inside the index, so that it never hides the jobs behind it.
 */
import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import { findScope } from '../domain/runner.ts';
import { chunksOf } from './dialect/chunks.ts';
import { isBlocked } from './dispatch-targets.ts';
import type { JobRow, Schema, TargetBlockRow } from './schema.ts';

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

const COLUMNS = sql.raw(
  'id, group_id, template_id, priority, rank, created_at, owner, repo, workflow_id, ref',
);

/** Word for word the condition of the index `jobs_own_target`. */
const HAS_OWN_TARGET = sql<SqlBool>`(template_id is null or owner is not null or repo is not null or workflow_id is not null or ref is not null)`;
const HAS_TEMPLATE_TARGET = sql<SqlBool>`(template_id is not null and owner is null and repo is null and workflow_id is null and ref is null)`;

export async function listHeads(
  db: Kysely<Schema>,
  queries: readonly HeadQuery[],
  now: number,
): Promise<HeadRow[]> {
  const found: HeadRow[] = [];
  for (const chunk of chunksOf(queries, HEADS_PER_STATEMENT)) {
    const selects = chunk.map((query) =>
      selectFirst(query.groupId, mayBeSent(query), now, query.most),
    );
    const { rows } = await sql<HeadRow>`${sql.join(selects, sql` union all `)}`.execute(db);
    found.push(...rows);
  }
  return found;
}

function selectFirst(
  groupId: string,
  where: RawBuilder<SqlBool>,
  now: number,
  most = 1,
): RawBuilder<HeadRow> {
  return sql`
    select * from (
      select ${COLUMNS} from jobs
      where group_id = ${groupId} and ${isClaimable(now)} and ${where}
      order by priority desc, rank, id limit ${most}
    ) as head`;
}

function isClaimable(now: number): RawBuilder<SqlBool> {
  return sql<SqlBool>`state = 'pending' and is_paused = 0 and (not_before is null or not_before <= ${now})`;
}

function mayBeSent({ withoutTemplates, scopes }: HeadQuery): RawBuilder<SqlBool> {
  const byTemplate =
    withoutTemplates.length === 0
      ? HAS_TEMPLATE_TARGET
      : sql<SqlBool>`(${HAS_TEMPLATE_TARGET} and template_id not in (${sql.join(withoutTemplates)}))`;
  const isStopped = isBlocked(sql<SqlBool>`b.next_probe_at is not null`);
  const covered = scopes === null ? sql`` : sql`and ${isCovered(scopes)}`;
  return sql<SqlBool>`(${byTemplate} or (${HAS_OWN_TARGET} ${covered} and not ${isStopped}))`;
}

/** As `scopeCovers` says it, for a job with a target of its own. One without owner or repo passes: it is to fail, not to wait. */
function isCovered(scopes: readonly string[]): RawBuilder<SqlBool> {
  const found = scopes.flatMap((scope) => findScope(scope) ?? []);
  if (found.some(({ kind }) => kind === 'enterprise')) return sql<SqlBool>`1 = 1`;
  const namesOf = (kind: 'org' | 'repo'): RawBuilder<unknown> => {
    const names = found
      .filter((scope) => scope.kind === kind)
      .map(({ name }) => name.toLowerCase());
    return names.length === 0 ? sql`('')` : sql`(${sql.join(names)})`;
  };
  const owner = effective('owner');
  const repo = effective('repo');
  return sql<SqlBool>`(${owner} = '' or ${repo} = '' or lower(${owner}) in ${namesOf('org')}
    or lower(${owner} || '/' || ${repo}) in ${namesOf('repo')})`;
}

function effective(field: 'owner' | 'repo'): RawBuilder<string> {
  const own = sql.ref(`jobs.${field}`);
  const ofTemplate = sql.ref(`t.${field}`);
  return sql<string>`coalesce(nullif(${own}, ''), (select ${ofTemplate} from templates t where t.id = jobs.template_id), '')`;
}

/**
 * The first job of each group that goes to a blocked target whose probe is due. Only one of them will be sent: which
 * group has a runner for it is not known here.
 *
 * @param lanes groups, each with its templates that have this target
 */
export async function listProbesOf(
  db: Kysely<Schema>,
  block: TargetBlockRow,
  lanes: ReadonlyMap<string, readonly string[]>,
  now: number,
): Promise<HeadRow[]> {
  const { forge_id, owner, repo, workflow_id, ref } = block;
  const isThis = sql<SqlBool>`b.forge_id = ${forge_id} and b.owner = ${owner} and b.repo = ${repo}
    and b.workflow_id = ${workflow_id} and b.ref = ${ref}`;
  const isOwn = sql<SqlBool>`${HAS_OWN_TARGET} and ${isBlocked(isThis)}`;
  const selects = [...lanes].flatMap(([groupId, templateIds]) => [
    selectFirst(groupId, isOwn, now),
    ...(templateIds.length === 0 ? [] : [selectFirst(groupId, goesBy(templateIds), now)]),
  ]);
  const first: HeadRow[] = [];
  for (const chunk of chunksOf(selects, HEADS_PER_STATEMENT)) {
    const { rows } = await sql<HeadRow>`${sql.join(chunk, sql` union all `)}`.execute(db);
    first.push(...rows);
  }
  // Backwards, so that of two the first in order stays.
  return [
    ...new Map(
      first
        .sort(byOrder)
        .reverse()
        .map((row) => [row.group_id, row]),
    ).values(),
  ];
}

function goesBy(templateIds: readonly string[]): RawBuilder<SqlBool> {
  return sql<SqlBool>`${HAS_TEMPLATE_TARGET} and template_id in (${sql.join(templateIds)})`;
}

/** In dispatch order. */
export function byOrder(a: HeadRow, b: HeadRow): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (a.rank !== b.rank) return a.rank - b.rank;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
