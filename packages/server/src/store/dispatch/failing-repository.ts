/**
 * Where several workflows of one repository fail and none works, it is the repository that fails. That stops none of them: each has
 * its own block, and one that has not been tried may work. But all of them yield to jobs of others.
 */
import { sql } from 'kysely';
import type { WriteTx } from '../database.ts';
import type { AttemptRow, TargetBlockRow } from '../schema.ts';
import { emitTarget } from './targets.ts';

/** So many different workflows, with none started in between. Two could be two that are broken. */
const WORKFLOWS_TO_FAIL = 3;

interface FailureThere {
  readonly message: string;
  /** The workflow worked until now, as far as is known. */
  readonly isFirstOfWorkflow: boolean;
}

/**
 * Until it is the repository that fails, its row counts workflows, and has no probe. From then on that is always due, since
 * it stops nothing: `next_probe_at` says when a workflow failed last.
 */
export async function noteFailureOfRepository(
  tx: WriteTx,
  attempt: AttemptRow,
  { message, isFirstOfWorkflow }: FailureThere,
): Promise<void> {
  const { forge_id, owner, repo } = attempt;
  const key = { forge_id, owner, repo, workflow_id: '', ref: '', kind: 'failing' } as const;
  if (isFirstOfWorkflow) await countWorkflow(tx, { ...key, message });
  const again = isFirstOfWorkflow ? 0 : 1;
  const row = await tx.db
    .updateTable('target_blocks')
    .set({
      refusals: sql<number>`refusals + ${sql.lit(again)}`,
      message,
      since: sql<number>`case when next_probe_at is null then ${sql.lit(tx.now)} else since end`,
      next_probe_at: tx.now,
    })
    .where((is) => is.and(key))
    .where((is) =>
      is.or([is('next_probe_at', 'is not', null), is('refusals', '>=', WORKFLOWS_TO_FAIL)]),
    )
    .returningAll()
    .executeTakeFirst();
  if (row?.since === tx.now) emitTarget(tx, row, 'target.blocked');
}

/** Whatever else is known to be in the way of the whole repository stays. */
async function countWorkflow(
  tx: WriteTx,
  row: Omit<TargetBlockRow, 'refusals' | 'since' | 'next_probe_at'>,
): Promise<void> {
  await tx.db
    .insertInto('target_blocks')
    .values({ ...row, refusals: 1, since: tx.now, next_probe_at: null })
    .onConflict((conflict) =>
      conflict
        .columns(['forge_id', 'owner', 'repo', 'workflow_id', 'ref'])
        .doUpdateSet({ refusals: sql<number>`target_blocks.refusals + 1` })
        .where('target_blocks.kind', '=', 'failing'),
    )
    .execute();
}

export function isOfSameRepository(a: TargetBlockRow, b: TargetBlockRow): boolean {
  return a.owner === b.owner && a.repo === b.repo;
}

/** Those whose failures are counted each for itself: where a repository fails it has one turn for all its workflows. */
export function listFailing(activeBlocks: readonly TargetBlockRow[]): TargetBlockRow[] {
  const failing = activeBlocks.filter(({ kind }) => kind === 'failing');
  const repositories = failing.filter((row) => row.workflow_id === '' && row.refusals > 0);
  return failing.filter(
    (row) =>
      row.workflow_id === '' || !repositories.some((whole) => isOfSameRepository(row, whole)),
  );
}
