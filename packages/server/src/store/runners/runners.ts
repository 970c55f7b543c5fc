import { type Kysely, type SqlBool, sql } from 'kysely';
import { ACTIVE_STATES } from '../../domain/job.ts';
import { labelsFit, type Runner } from '../../domain/runner.ts';
import { yieldToOthers } from '../../lib/yield.ts';
import { chunksOf } from '../chunks.ts';
import type { Database, WriteTx } from '../database.ts';
import { selectGroups } from '../groups-select.ts';
import { holdsLease } from '../leases.ts';
import type { Fence } from '../port/leases.ts';
import type { RunnerScopeRow, RunnerStore, UsedRepo } from '../port/runners.ts';
import { groupOf, stringsOf } from '../rows.ts';
import type { Bool, RunnerRow, Schema } from '../schema.ts';
import { emitGone } from './events.ts';
import { areBusyWithEnded, isUseExplained } from './observed-use.ts';
import { recordListing } from './record-listing.ts';

export function makeRunnerStore(database: Database): RunnerStore {
  return {
    listRunners: () => listRunners(database),
    listRunnersOfGroup: (groupId) => database.snapshot((db) => listRunnersOfGroup(db, groupId)),
    findRunners: (ids) => findRunners(database, ids),
    listUsedRepos: (forgeId) => database.snapshot((db) => listUsedRepos(db, forgeId)),
    listScopes: (forgeId) => listScopes(database.read, forgeId),
    setScopes: (fence, forgeId, scopes) => setScopes(database, fence, forgeId, scopes),
    recordListing: (fence, listing) =>
      database.write((tx) => recordListing(tx, database, fence, listing), { isLong: true }),
    isUseExplained: (seen, slackMs) => isUseExplained(database, seen, slackMs),
    areBusyWithEnded: (attemptIds) => areBusyWithEnded(database, attemptIds),
    recordScopeError: (fence, forgeId, scope, message) =>
      database.write((tx) => recordScopeError(tx, database, fence, { forgeId, scope, message })),
  };
}

const ROWS_PER_READ = 1_000;

async function listRunners({ read }: Database): Promise<Runner[]> {
  const found: Runner[] = [];
  const parse = labelParser();
  let last = { name: '', id: '' };
  for (;;) {
    const rows = await selectRunners(read)
      .where(sql<SqlBool>`(r.name, r.id) > (${last.name}, ${last.id})`)
      .orderBy('r.name')
      .orderBy('r.id')
      .limit(ROWS_PER_READ)
      .execute();
    found.push(...rows.map((row) => runnerOf(row, parse)));
    last = rows.at(-1) ?? last;
    if (rows.length < ROWS_PER_READ) return found;
    await yieldToOthers();
  }
}

type SeenRow = RunnerRow & { readonly pass_at: number | null };

/** With the time of the last listing, which saw all runners that it did not miss. */
function selectRunners(db: Kysely<Schema>) {
  return db
    .selectFrom('runners as r')
    .leftJoin('runner_scopes as s', (on) =>
      on.onRef('s.forge_id', '=', 'r.forge_id').onRef('s.scope', '=', 'r.scope'),
    )
    .selectAll('r')
    .select('s.pass_at');
}

type LabelParser = (text: string) => readonly string[];

/** Thousands of runners share a few lists of labels. */
function labelParser(): LabelParser {
  const known = new Map<string, readonly string[]>();
  return (text) => {
    const labels = known.get(text) ?? stringsOf(text);
    known.set(text, labels);
    return labels;
  };
}

function runnerOf(row: SeenRow, parse: LabelParser): Runner {
  const listedAt = row.missed_passes === 0 ? (row.pass_at ?? 0) : 0;
  return {
    id: row.id,
    forgeId: row.forge_id,
    scope: row.scope,
    forgeRunnerId: row.forge_runner_id,
    name: row.name,
    labels: parse(row.labels),
    os: row.os,
    status: row.status,
    isBusy: row.is_busy === 1,
    launchId: row.launch_id,
    lastSeenAt: Math.max(row.last_seen_at, listedAt),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

// 10,000 runners have a few hundred sets of labels: those are compared, and only rows that fit are loaded.
const LABEL_SETS_PER_QUERY = 500;

async function listRunnersOfGroup(
  db: Kysely<Schema>,
  groupId: string,
): Promise<Runner[] | undefined> {
  const row = await selectGroups(db).where('g.id', '=', groupId).executeTakeFirst();
  if (row === undefined) return undefined;
  const group = groupOf(row);
  if (group.runnerScopes?.length === 0) return [];
  const { forgeId, runnerScopes } = group;
  const sets = await db
    .selectFrom('runners')
    .select('label_set')
    .distinct()
    .where('forge_id', '=', forgeId)
    .execute();
  const fitting = sets
    .map((set) => set.label_set)
    .filter((set) => labelsFit(stringsOf(set), group.runnerLabels, group.labelCase));
  const found: SeenRow[] = [];
  for (const chunk of chunksOf(fitting, LABEL_SETS_PER_QUERY)) {
    const rows = await selectRunners(db)
      .where('r.forge_id', '=', forgeId)
      .where('r.label_set', 'in', chunk)
      .$if(runnerScopes !== null, (rs) => rs.where('r.scope', 'in', runnerScopes ?? []))
      .execute();
    found.push(...rows);
  }
  const parse = labelParser();
  return found
    .sort((a, b) => compareText(a.name, b.name) || compareText(a.id, b.id))
    .map((each) => runnerOf(each, parse));
}

const IDS_PER_QUERY = 500;

async function findRunners({ read }: Database, ids: readonly string[]): Promise<Runner[]> {
  const found: Runner[] = [];
  const parse = labelParser();
  for (const chunk of chunksOf(ids, IDS_PER_QUERY)) {
    const rows = await selectRunners(read).where('r.id', 'in', chunk).execute();
    found.push(...rows.map((row) => runnerOf(row, parse)));
  }
  return found;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/**
 * Where the jobs of enabled groups go: by the templates in the config, by those that left it or moved to another group
 * while jobs of theirs have not ended, by what they said when the jobs were queued, or each by its own overrides.
 */
async function listUsedRepos(db: Kysely<Schema>, forgeId: string): Promise<UsedRepo[]> {
  const enabled = db
    .selectFrom('groups as g')
    .where('g.forge_id', '=', forgeId)
    .where('g.is_enabled', '=', 1);
  const byTemplate = await enabled
    .innerJoin('templates as t', 't.group_id', 'g.id')
    .where('t.in_config', '=', 1)
    .select(['g.id as groupId', 't.owner', 't.repo'])
    .distinct()
    .execute();
  const byQueued = await enabled
    .innerJoin('job_counts as c', 'c.group_id', 'g.id')
    .innerJoin('templates as t', 't.id', 'c.template_id')
    .where('c.state', 'in', ['pending', ...ACTIVE_STATES])
    .where('c.n', '>', 0)
    .select(['g.id as groupId', 't.owner', 't.repo'])
    .distinct()
    .execute();
  // The words of the index jobs_elsewhere: jobs that go where their template goes are not looked at.
  const elsewhere = sql<SqlBool>`j.completed_at is null
    and (j.template_id is null or j.owner is not null or j.repo is not null)`;
  const byJob = await enabled
    .innerJoin('jobs as j', 'j.group_id', 'g.id')
    .leftJoin('templates as t', 't.id', 'j.template_id')
    .leftJoin('template_versions as v', 'v.id', 'j.template_version')
    .where(elsewhere)
    .select([
      'g.id as groupId',
      sql<string>`coalesce(nullif(j.owner, ''), v.owner, t.owner, '')`.as('owner'),
      sql<string>`coalesce(nullif(j.repo, ''), v.repo, t.repo, '')`.as('repo'),
    ])
    .distinct()
    .execute();
  const byVersion = await enabled
    .innerJoin('job_counts as c', 'c.group_id', 'g.id')
    .innerJoin('template_versions as v', 'v.template_id', 'c.template_id')
    .where('c.n', '>', 0)
    .where(
      sql<SqlBool>`exists (select 1 from jobs as j
        where j.template_version = v.id and j.completed_at is null and j.group_id = g.id)`,
    )
    .select(['g.id as groupId', 'v.owner', 'v.repo'])
    .distinct()
    .execute();
  const used = new Map<string, UsedRepo>();
  for (const repo of [...byTemplate, ...byQueued, ...byVersion, ...byJob])
    used.set(JSON.stringify(Object.values(repo)), repo);
  return [...used.values()];
}

/**
 * Without ETags where something else than a listing has observed a runner since the last one: "unchanged" would then be
 * about a listing that the rows do not show any more.
 */
async function listScopes(db: Kysely<Schema>, forgeId: string): Promise<RunnerScopeRow[]> {
  const rows = await db
    .selectFrom('runner_scopes as s')
    .selectAll()
    .select(
      sql<Bool>`exists (
        select 1 from runners as r
        where r.forge_id = s.forge_id and r.scope = s.scope and r.observed_at > s.pass_sent_at
      )`.as('is_touched'),
    )
    .where('forge_id', '=', forgeId)
    .orderBy('scope')
    .execute();
  return rows.map((row) => ({
    forgeId: row.forge_id,
    scope: row.scope,
    etags: row.is_touched === 1 ? [] : stringsOf(row.etags),
    listingSentAt: row.pass_sent_at,
    listedAt: row.pass_at,
    error: row.error,
  }));
}

async function setScopes(
  database: Database,
  fence: Fence,
  forgeId: string,
  scopes: readonly string[],
): Promise<void> {
  // Asked at every poll, and hardly ever an answer: no transaction for it.
  const stored = (await listScopes(database.read, forgeId)).map((row) => row.scope);
  const wanted = oneSpellingEach(scopes, stored);
  const [before, after] = [new Set(stored), new Set(wanted)];
  const added = wanted.filter((scope) => !before.has(scope));
  const dropped = stored.filter((scope) => !after.has(scope));
  if (added.length === 0 && dropped.length === 0) return;
  await database.write(async (tx) => {
    if (!(await holdsLease(tx, database, fence))) return;
    if (added.length > 0) await addScopes(tx, forgeId, added);
    for (const scope of dropped) await dropScope(tx, forgeId, scope);
  });
}

/**
 * Forges do not tell `org:Acme` from `org:acme`: under two names each runner would count twice, and get two jobs.
 * The name that is stored already stays, so that its runners do too.
 */
function oneSpellingEach(scopes: readonly string[], stored: readonly string[]): string[] {
  const storedAs = new Map(stored.map((scope) => [scope.toLowerCase(), scope]));
  const wanted = scopes.map((scope): [string, string] => {
    const name = scope.toLowerCase();
    return [name, storedAs.get(name) ?? scope];
  });
  return [...new Map(wanted).values()].sort();
}

/** 7 columns a row. */
const SCOPES_PER_STATEMENT = 500;

async function addScopes(
  { db, now }: WriteTx,
  forgeId: string,
  scopes: readonly string[],
): Promise<void> {
  const rows = scopes.map((scope) => ({
    forge_id: forgeId,
    scope,
    etags: '[]',
    pass_sent_at: null,
    pass_at: null,
    error: '',
    created_at: now,
  }));
  for (const chunk of chunksOf(rows, SCOPES_PER_STATEMENT)) {
    await db
      .insertInto('runner_scopes')
      .values(chunk)
      .onConflict((conflict) => conflict.columns(['forge_id', 'scope']).doNothing())
      .execute();
  }
}

async function dropScope(tx: WriteTx, forgeId: string, scope: string): Promise<void> {
  await tx.db
    .deleteFrom('runner_scopes')
    .where('forge_id', '=', forgeId)
    .where('scope', '=', scope)
    .execute();
  const gone = await tx.db
    .deleteFrom('runners')
    .where('forge_id', '=', forgeId)
    .where('scope', '=', scope)
    .returningAll()
    .execute();
  for (const runner of gone) emitGone(tx, runner, 'scope-dropped');
}

/** The runners stay as they were last seen; that nobody vouches for them is shown by the age of the last listing. */
async function recordScopeError(
  tx: WriteTx,
  database: Database,
  fence: Fence,
  { forgeId, scope, message }: { forgeId: string; scope: string; message: string },
): Promise<void> {
  if (!(await holdsLease(tx, database, fence))) return;
  await tx.db
    .updateTable('runner_scopes')
    .set({ error: message })
    .where('forge_id', '=', forgeId)
    .where('scope', '=', scope)
    .where('error', '<>', message)
    .execute();
}
