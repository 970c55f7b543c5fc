/**
 * The first jobs of each group that could be sent now. A job that cannot be (put off, its target blocked, no free
 * runner for its repository) is passed over inside the index, so that it never hides the jobs behind it.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { findScope } from '../../domain/runner.ts';
import type { Yield } from '../../lib/yield.ts';
import { chunksOf } from '../chunks.ts';
import type { JobRow, Schema } from '../schema.ts';
import { isBlocked, isBlockedOrProbed } from './targets.ts';

export type HeadRow = Pick<
  JobRow,
  | 'id'
  | 'group_id'
  | 'template_id'
  | 'template_version'
  | 'priority'
  | 'rank'
  | 'created_at'
  | 'owner'
  | 'repo'
  | 'workflow_id'
  | 'ref'
>;

/** What a job itself says of where it goes: equal for two, they go to the same place. */
export type OwnTarget = Pick<
  HeadRow,
  'template_id' | 'template_version' | 'owner' | 'repo' | 'workflow_id' | 'ref'
>;

/** Jobs that say the same, whatever some of the words are: a block may be of a whole repository or workflow. */
export interface PassedOver extends OwnTarget {
  readonly isAnyRef: boolean;
  readonly isAnyWorkflow: boolean;
}

/** What to read of one group. */
export interface HeadQuery {
  readonly forgeId: string;
  readonly groupId: string;
  readonly most: number;
  /** Templates, and versions of them, whose jobs are passed over unless these name a target of their own. */
  readonly withoutTemplates: readonly string[];
  /** As `withoutTemplates`, of jobs with a target of their own: these may go elsewhere, but take as many runners. */
  readonly withoutOwnOf: readonly string[];
  /** Jobs with a target of their own are passed over if they say the same as one of these. */
  readonly withoutOwn: readonly PassedOver[];
  /** Jobs with a target of their own are passed over unless one of these scopes covers it; `null`: whichever. */
  readonly scopes: readonly string[] | null;
  /** Jobs with a target of their own are passed over if they would be a probe. */
  readonly withoutProbes?: boolean;
  /** Some jobs of the group have a target of their own: asking for each costs more than the rest of the query. */
  readonly hasOwnTargets: boolean;
}

/** Few enough to take a few milliseconds even where each passes over thousands of jobs. */
const HEADS_PER_STATEMENT = 25;
const UNION = sql.raw(' union all ');

const COLUMNS = sql.raw(
  'id, group_id, template_id, template_version, priority, rank, created_at, owner, repo, workflow_id, ref',
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
  { now, yieldNow }: { readonly now: number; readonly yieldNow: Yield },
): Promise<HeadRow[]> {
  const found: HeadRow[] = [];
  for (const chunk of chunksOf(queries, HEADS_PER_STATEMENT)) {
    await yieldNow();
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
        and (not_before is null or not_before <= ${now}) ${mayBeSent(query, now)}
      ${FIRST} ${query.most}
    ) as head`;
}

function mayBeSent(query: HeadQuery, now: number): RawBuilder<unknown> {
  const { forgeId, withoutTemplates, withoutOwnOf, withoutOwn, scopes, hasOwnTargets } = query;
  const isPassed = isMadeFromNone(withoutTemplates);
  if (!hasOwnTargets) return isPassed;
  const covered = scopes === null ? sql`` : sql`and ${isCovered(scopes)}`;
  const isOut = query.withoutProbes === true ? isBlockedOrProbed(forgeId) : isBlocked(now, forgeId);
  const byOwn = sql`${HAS_OWN_TARGET} ${isMadeFromNone(withoutOwnOf)} ${isNoneOf(withoutOwn)} ${covered} and not ${isOut}`;
  return sql`and ((${HAS_TEMPLATE_TARGET} ${isPassed}) or (${byOwn}))`;
}

function isMadeFromNone(templates: readonly string[]): RawBuilder<unknown> {
  if (templates.length === 0) return sql``;
  return sql`and coalesce(template_version, template_id, '') not in (${sql.join(templates)})`;
}

/** Compared as they are written, and before all else: thousands of jobs may have to be passed over. */
function isNoneOf(targets: readonly PassedOver[]): RawBuilder<unknown> {
  const isOther = targets.map((target) => {
    const isSame = wordsOf(target).flatMap((word, n) =>
      word === null ? [] : [sql`${WORDS[n]} = ${word}`],
    );
    return sql`not (${sql.join(isSame, sql` and `)})`;
  });
  return isOther.length === 0 ? sql`` : sql`and ${sql.join(isOther, sql` and `)}`;
}

/** Those that tell most apart come first. */
const WORDS = [
  ...[`coalesce(ref, '')`, `coalesce(workflow_id, '')`, `coalesce(repo, '')`],
  ...[`coalesce(owner, '')`, `coalesce(template_version, template_id, '')`],
].map((word) => sql.raw(word));

/** As `WORDS`; `null`: whatever it is. Blank says as little as nothing: see `targetOf`. */
export function wordsOf(job: PassedOver): (string | null)[] {
  const { template_version, template_id, owner, repo, workflow_id, ref } = job;
  return [
    job.isAnyRef ? null : (ref ?? ''),
    job.isAnyWorkflow ? null : (workflow_id ?? ''),
    ...[repo, owner, template_version ?? template_id].map((word) => word ?? ''),
  ];
}

/** Jobs of one group that go where their template goes, made from one of these templates or versions. */
export interface MadeFrom {
  readonly groupId: string;
  readonly templateIds: readonly string[];
}

/** Whether one of them could be claimed now, were there a runner and nothing in its way. */
export async function isOneClaimable(
  db: Kysely<Schema>,
  madeFrom: readonly MadeFrom[],
  now: number,
): Promise<boolean> {
  for (const { groupId, templateIds } of madeFrom) {
    const { rows } = await sql`
      select 1 from jobs
      where group_id = ${groupId} and ${IS_CLAIMABLE} and ${HAS_TEMPLATE_TARGET}
        and (not_before is null or not_before <= ${now})
        and coalesce(template_version, template_id, '') in (${sql.join(templateIds)})
      limit 1
    `.execute(db);
    if (rows.length > 0) return true;
  }
  return false;
}

/**
 * Groups with pending jobs that do not simply go where their template goes. The forge is compared for SQLite: with a
 * column that `jobs_pending` lacks, it takes the small index instead of reading that large one to its end.
 */
export async function listWithOwnTargets(
  db: Kysely<Schema>,
  forgeId: string,
): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ id: string }>`
    select id from groups where forge_id = ${forgeId} and exists (
      select 1 from jobs
      where jobs.group_id = groups.id and jobs.forge_id = groups.forge_id
        and state = 'pending' and ${HAS_OWN_TARGET}
    )
  `.execute(db);
  return new Set(rows.map((row) => row.id));
}

const effective = (field: string): string =>
  `coalesce(nullif(jobs.${field}, ''),
    (select v.${field} from template_versions v where v.id = jobs.template_version),
    (select t.${field} from templates t where t.id = jobs.template_id), '')`;
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
