/** Whether the runs of a workflow bear the id of the attempt that made them: its `run-name` says so, or does not. */
import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import { type Attempt, isNameFinal, type Run } from '../../domain/attempt.ts';
import { namedAt } from '../../domain/correlation/clusters.ts';
import { mayBeOneWorkflow } from '../../domain/doubt.ts';
import { SYSTEM_ACTOR } from '../../domain/event.ts';
import type { DispatchTarget } from '../../domain/job.ts';
import { isOfSureKey, repoKeyOf, runsOfKey } from '../../domain/run-keys.ts';
import { chunksOf } from '../chunks.ts';
import type { Database, WriteTx } from '../database.ts';
import type { AttemptRow, Bool, NamingRow, Schema } from '../schema.ts';

const COMMITS_PER_STATEMENT = 500;
/** That a run lacked its id is written again for others of its commit only so often: so it is kept while any are made. */
const SEEN_AGAIN_AFTER_MS = 24 * 3_600_000;

const TARGET_KEY = [
  'forge_id',
  'owner',
  'repo',
  'workflow_id',
  'ref',
  'correlation_input',
] as const;
const COMMIT_KEY = [...TARGET_KEY, 'head_sha'] as const;

/** How a target is written in both tables: names of owners and repositories have no case. */
type NamingKey = NamingRow;

function keyOf(
  forgeId: string,
  { owner, repo, workflowId, ref }: DispatchTarget,
  input: string,
): NamingKey {
  const names = { owner: owner.toLowerCase(), repo: repo.toLowerCase() };
  return { forge_id: forgeId, ...names, workflow_id: workflowId, ref, correlation_input: input };
}

/**
 * Takes what an attempt's run shows of its workflow. That runs do not bear their id only one shows that the forge named to its
 * attempt: any other was chosen by its name, or may be somebody else's. That they do, any run of the workflow that bears
 * its attempt's id; but not for good of its commit, since a copy of the id may have come into its name by another input. A
 * commit at which one of ours lacked it proves nothing any more: its `run-name` shows the id only sometimes.
 */
export async function noteNaming(tx: WriteTx, attempt: AttemptRow, run: Run): Promise<void> {
  const isTold = attempt.matched_by === 'reply';
  const bearsId = run.name.includes(attempt.id);
  const isShown = bearsId ? isTold || isOfTarget(attempt, run) : isTold && isNameFinal(run);
  if (isShown) await learn(tx, attempt, run, { bearsId, isOfCommit: bearsId && isTold });
}

/** Takes what was concluded when its run, one of those without an id, could not be told: the forge has not named it. */
export async function noteUnnamed(tx: WriteTx, attempt: AttemptRow, run: ShownRun): Promise<void> {
  if (attempt.is_named === 1) await learn(tx, attempt, run, { bearsId: false, isOfCommit: false });
}

/** Another workflow may have been handed the id on. */
function isOfTarget(attempt: AttemptRow, run: Run): boolean {
  const target = { workflowId: attempt.workflow_id, ref: attempt.ref };
  return isOfSureKey(run) && runsOfKey(target, [run]).length > 0;
}

type ShownRun = Pick<Run, 'id' | 'headSha'>;

interface Shown {
  readonly bearsId: boolean;
  /** At the run's commit each run that is sent its id bears it. */
  readonly isOfCommit: boolean;
}

async function learn(
  tx: WriteTx,
  attempt: AttemptRow,
  run: ShownRun,
  { bearsId, isOfCommit }: Shown,
): Promise<void> {
  const { correlation_input: input } = attempt;
  if (input === null) return;
  const { forge_id, owner, repo, workflow_id: workflowId, ref } = attempt;
  const key = keyOf(forge_id, { owner, repo, workflowId, ref }, input);
  const known = await readKnown(tx.db, key, run.headSha);
  const isLacked = !bearsId || known.commit_bears_id === 0;
  if (run.headSha !== '' && (isLacked || isOfCommit)) {
    await noteCommit(tx, { ...key, head_sha: run.headSha }, known, isLacked);
  }
  // Of another run of this commit it says nothing.
  if (bearsId && isLacked) return;
  if (known.bears_id === (bearsId ? 1 : 0) || (known.claimed_at ?? 0) > attempt.claimed_at) return;
  await moveNaming(tx, key, attempt, bearsId);
  emitNaming(tx, attempt, run, bearsId);
}

interface Known {
  readonly bears_id: Bool | null;
  readonly claimed_at: number | null;
  readonly commit_bears_id: Bool | null;
  readonly seen_at: number | null;
}

const NOTHING: Known = { bears_id: null, claimed_at: null, commit_bears_id: null, seen_at: null };

/** In one statement: what each run tells says nothing new of its workflow nearly always. */
async function readKnown(db: Kysely<Schema>, key: NamingKey, head_sha: string): Promise<Known> {
  const { rows } = await sql<Known>`
    select n.bears_id, n.claimed_at, c.bears_id as commit_bears_id, c.seen_at from (select 1 as one) as this
    left join workflow_namings n on ${isKey('n', { ...key })}
    left join commit_namings c on ${isKey('c', { ...key, head_sha })}
  `.execute(db);
  return rows[0] ?? NOTHING;
}

function isKey(table: string, key: Readonly<Record<string, string>>): RawBuilder<SqlBool> {
  const parts = Object.entries(key).map(
    ([column, value]) => sql`${sql.ref(`${table}.${column}`)} = ${value}`,
  );
  return sql<SqlBool>`${sql.join(parts, sql` and `)}`;
}

/** That a run lacked its id stays, whatever is written beside it. */
async function noteCommit(
  { db, now }: WriteTx,
  key: NamingKey & { readonly head_sha: string },
  { commit_bears_id: known, seen_at: seenAt }: Known,
  isLacked: boolean,
): Promise<void> {
  const bears_id = isLacked ? 0 : 1;
  const isFresh = !isLacked || now - (seenAt ?? 0) < SEEN_AGAIN_AFTER_MS;
  if (known === bears_id && isFresh) return;
  const values = { bears_id, seen_at: now } as const;
  const insert = db.insertInto('commit_namings').values({ ...key, ...values });
  const noted = isLacked
    ? insert.onConflict((conflict) => conflict.columns(COMMIT_KEY).doUpdateSet(values))
    : insert.onConflict((conflict) => conflict.doNothing());
  await noted.execute();
}

/** The claim that was made last decides: the workflow file may have changed since. */
async function moveNaming(
  { db }: WriteTx,
  key: NamingKey,
  attempt: AttemptRow,
  bearsId: boolean,
): Promise<void> {
  const values = { bears_id: bearsId ? 1 : 0, claimed_at: attempt.claimed_at } as const;
  await db
    .insertInto('workflow_namings')
    .values({ ...key, ...values })
    .onConflict((conflict) =>
      conflict
        .columns(TARGET_KEY)
        .doUpdateSet(values)
        .where('workflow_namings.claimed_at', '<=', attempt.claimed_at),
    )
    .execute();
}

function emitNaming(tx: WriteTx, attempt: AttemptRow, run: ShownRun, bearsId: boolean): void {
  const { owner, repo, workflow_id: workflowId, ref, correlation_input: input } = attempt;
  tx.emit({
    kind: bearsId ? 'target.named' : 'target.unnamed',
    subjectType: 'target',
    subjectId: `${owner}/${repo}/${workflowId}@${ref}`,
    groupId: null,
    forgeId: attempt.forge_id,
    actor: SYSTEM_ACTOR,
    isAudit: false,
    data: { owner, repo, workflowId, ref, runId: run.id, input },
  });
}

/** Whether the runs of this target have shown that they do not bear the id they are sent in this input. */
export async function isKnownUnnamed(
  db: Kysely<Schema>,
  forgeId: string,
  target: DispatchTarget,
  input: string,
): Promise<boolean> {
  const bearsId = bearsIdOf(forgeId, target, input).as('bearsId');
  return (await db.selectNoFrom(bearsId).executeTakeFirst())?.bearsId === 0;
}

/** As a part of another statement: 0 = they do not bear it, null = not known. */
export function bearsIdOf(
  forgeId: string,
  target: DispatchTarget,
  input: string,
): RawBuilder<Bool | null> {
  const key = keyOf(forgeId, target, input);
  return sql`(select n.bears_id from workflow_namings n where ${isKey('n', { ...key })})`;
}

/** Of a row of `attempts`: the runs of its target have shown that they do not bear the id that it sent. */
export const isOfUnnamedTarget = sql<SqlBool>`exists (
  select 1 from workflow_namings n
  where n.forge_id = attempts.forge_id and n.owner = lower(attempts.owner) and n.repo = lower(attempts.repo)
    and n.workflow_id = attempts.workflow_id and n.ref = attempts.ref
    and n.correlation_input = attempts.correlation_input and n.bears_id = 0
)`;

export interface UnnamedTargets {
  readonly isUnnamed: (target: DispatchTarget, input: string) => boolean;
  readonly areNone: boolean;
}

/** Targets whose runs have shown that they do not bear the id they are sent: few, if any. */
export async function listUnnamed(db: Kysely<Schema>, forgeId: string): Promise<UnnamedTargets> {
  const rows = await db
    .selectFrom('workflow_namings')
    .selectAll()
    .where('forge_id', '=', forgeId)
    .where('bears_id', '=', 0)
    .execute();
  const nameOf = (key: NamingKey): string =>
    JSON.stringify([key.owner, key.repo, key.workflow_id, key.ref, key.correlation_input]);
  const unnamed = new Set(rows.map(nameOf));
  const isUnnamed: UnnamedTargets['isUnnamed'] = (target, input) =>
    unnamed.has(nameOf(keyOf(forgeId, target, input)));
  return { isUnnamed, areNone: rows.length === 0 };
}

export async function listNamedCommits(
  { read }: Database,
  attempts: readonly Attempt[],
  commits: readonly string[],
): Promise<ReadonlySet<string>> {
  const [first] = attempts;
  if (first === undefined) return new Set();
  const { forge_id, owner, repo } = keyOf(first.forgeId, first, '');
  const sameRepo = attempts.filter((one) => repoKeyOf(one) === repoKeyOf(first));
  const named = new Set<string>();
  for (const chunk of chunksOf(commits, COMMITS_PER_STATEMENT)) {
    const rows = await read
      .selectFrom('commit_namings')
      .select(['workflow_id', 'ref', 'head_sha', 'correlation_input', 'bears_id'])
      .where((row) => row.and({ forge_id, owner, repo }))
      .where('head_sha', 'in', chunk)
      .execute();
    const [bearing, lacking] = [rows.filter(bearsId), rows.filter((row) => !bearsId(row))];
    for (const row of bearing) if (isOfOne(row, sameRepo)) named.add(nameOfCommit(row));
    for (const row of lacking) if (mayBeOfOne(row, sameRepo)) named.delete(nameOfCommit(row));
  }
  return named;
}

type CommitRow = Pick<
  Schema['commit_namings'],
  'workflow_id' | 'ref' | 'head_sha' | 'correlation_input' | 'bears_id'
>;

const bearsId = ({ bears_id }: CommitRow): boolean => bears_id === 1;

const nameOfCommit = (row: CommitRow): string => namedAt(row.correlation_input, row.head_sha);

function isOfOne(row: CommitRow, attempts: readonly Attempt[]): boolean {
  return attempts.some(({ workflowId, ref }) => workflowId === row.workflow_id && ref === row.ref);
}

/** By whatever ref: at one commit a workflow is the same. */
function mayBeOfOne(row: CommitRow, attempts: readonly Attempt[]): boolean {
  return attempts.some(({ workflowId }) => mayBeOneWorkflow(workflowId, row.workflow_id));
}
