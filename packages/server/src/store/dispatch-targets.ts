/** What repositories and workflows have refused: counted here, and nothing but a probe goes to a blocked one. */
import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import { SYSTEM_ACTOR } from '../domain/event.ts';
import type { DispatchTarget } from '../domain/job.ts';
import type { WriteTx } from './database.ts';
import type { RefusedOutcome, TargetBlock } from './port/dispatch.ts';
import type { AttemptRow, Schema, TargetBlockRow } from './schema.ts';

/** Permanent refusals in a row after which a template counts as broken. One could be a typo being mended. */
const REFUSALS_TO_BLOCK = 3;

function blockOf(row: TargetBlockRow): TargetBlock | undefined {
  if (row.next_probe_at === null) return undefined;
  const { kind, message, since, next_probe_at: nextProbeAt } = row;
  return { kind, message, since, nextProbeAt };
}

/** Does this block stop jobs that go to the target? */
export function blocks(row: TargetBlockRow, target: DispatchTarget): boolean {
  if (row.owner !== target.owner || row.repo !== target.repo) return false;
  return (
    row.kind === 'no-access' || (row.workflow_id === target.workflowId && row.ref === target.ref)
  );
}

/** The repository's block before its workflow's: without access the other says nothing. */
export async function findBlock(
  db: Kysely<Schema>,
  forgeId: string,
  target: DispatchTarget,
): Promise<TargetBlock | undefined> {
  const rows = await db
    .selectFrom('target_blocks')
    .selectAll()
    .where('forge_id', '=', forgeId)
    .where('owner', '=', target.owner)
    .where('repo', '=', target.repo)
    .where('next_probe_at', 'is not', null)
    .execute();
  const found = rows
    .filter((row) => blocks(row, target))
    .sort((a, b) => (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0));
  return found[0] === undefined ? undefined : blockOf(found[0]);
}

const field = (name: string): string => `coalesce(nullif(jobs.${name}, ''), t.${name})`;
const BLOCK_OF_JOB = sql.raw(`
  select 1 from target_blocks b left join templates t on t.id = jobs.template_id
  where b.owner = ${field('owner')} and b.repo = ${field('repo')}
    and (b.kind = 'no-access' or (b.workflow_id = ${field('workflow_id')} and b.ref = ${field('ref')}))
`);

/**
 * Of a row of `jobs`: its target is blocked and not to be probed yet. Overrides that are blank fall back to the
 * template, as `targetOf` does.
 *
 * @param forgeId given where the row's own is not in the index that is read
 */
export function isBlocked(now: number, forgeId?: string): RawBuilder<SqlBool> {
  const forge = forgeId === undefined ? sql.ref('jobs.forge_id') : sql`${forgeId}`;
  return sql<SqlBool>`exists (${BLOCK_OF_JOB} and b.forge_id = ${forge} and b.next_probe_at > ${now})`;
}

/**
 * A claim of a job whose block is due is its probe: the next one is put off. A refusal then sets its real time, so
 * this one counts only when the sender dies.
 */
export async function takeProbe(
  tx: WriteTx,
  forgeId: string,
  target: DispatchTarget,
  probeMs: number,
): Promise<void> {
  await tx.db
    .updateTable('target_blocks')
    .set({ next_probe_at: tx.now + probeMs })
    .where('next_probe_at', '<=', tx.now)
    .where(isFor(forgeId, target))
    .execute();
}

/** An accepted dispatch: what was refused before is no longer in a row. */
export async function clearTarget(tx: WriteTx, attempt: AttemptRow): Promise<void> {
  const { owner, repo, ref } = attempt;
  const target = { owner, repo, workflowId: attempt.workflow_id, ref };
  const cleared = await tx.db
    .deleteFrom('target_blocks')
    .where(isFor(attempt.forge_id, target))
    .returningAll()
    .execute();
  for (const row of cleared) if (row.next_probe_at !== null) tell(tx, row, 'target.cleared');
}

function isFor(forgeId: string, target: DispatchTarget): RawBuilder<SqlBool> {
  return sql<SqlBool>`forge_id = ${forgeId} and owner = ${target.owner} and repo = ${target.repo}
    and (kind = 'no-access' or (workflow_id = ${target.workflowId} and ref = ${target.ref}))`;
}

/** Counts what a refusal says of its target, and blocks it when it is enough. */
export async function noteRefusal(
  tx: WriteTx,
  attempt: AttemptRow,
  outcome: RefusedOutcome,
): Promise<void> {
  const { owner, repo } = attempt;
  const place = { forge_id: attempt.forge_id, owner, repo };
  if (outcome.then === 'no-access') {
    await addRefusal(tx, { ...place, workflow_id: '', ref: '', kind: 'no-access' }, outcome, 1);
  } else if (outcome.isTargetFault) {
    const { workflow_id, ref } = attempt;
    const key = { ...place, workflow_id, ref, kind: 'template-broken' } as const;
    await addRefusal(tx, key, outcome, REFUSALS_TO_BLOCK);
  }
}

type BlockKey = Pick<
  TargetBlockRow,
  'forge_id' | 'owner' | 'repo' | 'workflow_id' | 'ref' | 'kind'
>;

async function addRefusal(
  tx: WriteTx,
  key: BlockKey,
  { message, probeMs }: RefusedOutcome,
  enough: number,
): Promise<void> {
  const probeAt = tx.now + probeMs;
  const first = { refusals: 1, message, since: tx.now, next_probe_at: enough > 1 ? null : probeAt };
  const row = await tx.db
    .insertInto('target_blocks')
    .values({ ...key, ...first })
    .onConflict((conflict) =>
      conflict.columns(['forge_id', 'owner', 'repo', 'workflow_id', 'ref']).doUpdateSet({
        refusals: sql<number>`target_blocks.refusals + 1`,
        message,
        since: sql<number>`case when target_blocks.refusals + 1 <= ${enough} then excluded.since else target_blocks.since end`,
        next_probe_at: sql<number>`case when target_blocks.refusals + 1 >= ${enough} then ${sql.lit(probeAt)} end`,
      }),
    )
    .returningAll()
    .executeTakeFirstOrThrow();
  if (row.refusals === enough) tell(tx, row, 'target.blocked');
}

function tell(tx: WriteTx, row: TargetBlockRow, kind: 'target.blocked' | 'target.cleared'): void {
  const { owner, repo, workflow_id, ref } = row;
  const workflow = row.kind === 'no-access' ? '' : `/${workflow_id}@${ref}`;
  tx.emit({
    kind,
    subjectType: 'target',
    subjectId: `${owner}/${repo}${workflow}`,
    groupId: null,
    forgeId: row.forge_id,
    actor: SYSTEM_ACTOR,
    isAudit: false,
    data: { owner, repo, workflowId: workflow_id, ref, block: row.kind, message: row.message },
  });
}
