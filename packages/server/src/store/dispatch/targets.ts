/** Repositories and workflows to which nothing but a probe goes; what blocks them is written by dispatch-verdicts.ts. */
import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import { SYSTEM_ACTOR } from '../../domain/event.ts';
import type { DispatchTarget } from '../../domain/job.ts';
import { BLOCK_KINDS } from '../../domain/target-block.ts';
import type { WriteTx } from '../database.ts';
import type { TargetBlock } from '../port/dispatch.ts';
import type { AttemptRow, Schema, TargetBlockRow } from '../schema.ts';

/** What may pass soon is not put off for the length of a probe's interval, should nobody hear how one ended. */
const SOON_MS = 60_000;

function blockOf(row: TargetBlockRow): TargetBlock | undefined {
  if (row.next_probe_at === null) return undefined;
  const { kind, message, since, next_probe_at: nextProbeAt } = row;
  return { kind, message, since, nextProbeAt };
}

/** Is this block of what the target goes to? One without workflow or ref is of all of them. */
export function blocks(row: TargetBlockRow, target: DispatchTarget): boolean {
  if (row.owner !== target.owner || row.repo !== target.repo) return false;
  return (
    (row.workflow_id === '' || row.workflow_id === target.workflowId) &&
    (row.ref === '' || row.ref === target.ref)
  );
}

/** Of several the one to be shown: without access, say, the others say nothing. */
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
    .sort(
      (a, b) => BLOCK_KINDS.indexOf(a.kind) - BLOCK_KINDS.indexOf(b.kind) || until(b) - until(a),
    );
  return found[0] === undefined ? undefined : blockOf(found[0]);
}

/** Until when it holds. */
const until = ({ next_probe_at }: TargetBlockRow): number => next_probe_at ?? 0;

const field = (name: string): string => `coalesce(nullif(jobs.${name}, ''), v.${name}, t.${name})`;
const BLOCK_OF_JOB = sql.raw(`
  select 1 from target_blocks b left join templates t on t.id = jobs.template_id
    left join template_versions v on v.id = jobs.template_version
  where b.owner = ${field('owner')} and b.repo = ${field('repo')}
    and (b.workflow_id = '' or b.workflow_id = ${field('workflow_id')})
    and (b.ref = '' or b.ref = ${field('ref')})
`);

/**
 * Of a row of `jobs`: its target is blocked and not to be probed yet. Overrides that are blank fall back to the
 * template, as it was when the job was queued, as `targetOf` does.
 *
 * @param forgeId given where the row's own is not in the index that is read
 */
export function isBlocked(now: number, forgeId?: string): RawBuilder<SqlBool> {
  const forge = forgeId === undefined ? sql.ref('jobs.forge_id') : sql`${forgeId}`;
  return sql<SqlBool>`exists (${BLOCK_OF_JOB} and b.forge_id = ${forge} and b.next_probe_at > ${now})`;
}

/** As `isBlocked`, or only a probe may go there. */
export function isBlockedOrProbed(forgeId: string): RawBuilder<SqlBool> {
  return sql<SqlBool>`exists (${BLOCK_OF_JOB} and b.forge_id = ${forgeId} and b.next_probe_at is not null)`;
}

/**
 * A claim of a job whose block is due is its probe: the next one is put off. Its answer then sets the real time, so
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
    .set({
      next_probe_at: sql<number>`case when kind in ('failing', 'not-found')
        then ${sql.lit(tx.now + Math.min(probeMs, SOON_MS))} else ${sql.lit(tx.now + probeMs)} end`,
    })
    .where('next_probe_at', '<=', tx.now)
    .where(isFor(forgeId, target))
    // Of a whole repository it stops nothing, so that there is no probe to put off.
    .where((is) => is.not(is.and({ kind: 'failing', workflow_id: '' })))
    .execute();
}

/** An accepted dispatch: what was refused before is no longer in a row. */
export async function clearTarget(tx: WriteTx, attempt: AttemptRow): Promise<void> {
  const cleared = await tx.db
    .deleteFrom('target_blocks')
    .where(isFor(attempt.forge_id, targetOfAttempt(attempt)))
    .returningAll()
    .execute();
  for (const row of cleared) if (row.next_probe_at !== null) emitTarget(tx, row, 'target.cleared');
}

export function targetOfAttempt({ owner, repo, workflow_id, ref }: AttemptRow): DispatchTarget {
  return { owner, repo, workflowId: workflow_id, ref };
}

/** Of a row of `target_blocks`, as `blocks` says it. */
export function isFor(forgeId: string, target: DispatchTarget): RawBuilder<SqlBool> {
  return sql<SqlBool>`forge_id = ${forgeId} and owner = ${target.owner} and repo = ${target.repo}
    and (workflow_id = '' or workflow_id = ${target.workflowId}) and (ref = '' or ref = ${target.ref})`;
}

export function emitTarget(
  tx: WriteTx,
  row: TargetBlockRow,
  kind: 'target.blocked' | 'target.cleared',
): void {
  const { owner, repo, workflow_id, ref } = row;
  const workflow = workflow_id === '' ? '' : `/${workflow_id}${ref === '' ? '' : `@${ref}`}`;
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
