/**
 * Where several workflows of one repository fail and none works, it is the repository that fails. That stops none of them: each has
 * its own block, and one that has not been tried may work. But all of them yield to jobs of others.
 */
import { sql } from 'kysely';
import type { Group } from '../../domain/group.ts';
import { letOthersFirst } from '../../domain/probe-yield.ts';
import type { WriteTx } from '../database.ts';
import type { AttemptRow, TargetBlockRow } from '../schema.ts';
import { templateTarget, type WaitingTemplate } from './group-view.ts';
import { blocks, emitTarget } from './targets.ts';

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

interface Waiting {
  readonly now: number;
  readonly groups: readonly Group[];
  readonly templates: readonly WaitingTemplate[];
  readonly activeBlocks: readonly TargetBlockRow[];
}

/** The blocks of workflows that let others of their failing repository go first. */
export function listHeldBack({ now, groups, templates, activeBlocks }: Waiting): TargetBlockRow[] {
  const failing = activeBlocks.filter(({ kind }) => kind === 'failing');
  const repositories = failing.filter(({ workflow_id }) => workflow_id === '');
  if (repositories.length === 0) return [];
  const open = new Set(groups.filter((one) => one.isEnabled && !one.isPaused).map(({ id }) => id));
  const mayGo = templates
    .filter(({ n, group_id }) => n > 0 && open.has(group_id))
    .map(templateTarget)
    .filter(
      (target) =>
        !activeBlocks.some((row) => (row.next_probe_at ?? 0) > now && blocks(row, target)),
    );
  return repositories.flatMap((repository) => {
    const rows = failing.filter(
      (row) => row.workflow_id !== '' && isOfSameRepository(row, repository),
    );
    const refusals = mayGo
      .filter((target) => blocks(repository, target))
      .map((target) => rows.find((row) => blocks(row, target))?.refusals ?? 0);
    const failedAt = repository.next_probe_at ?? now;
    return letOthersFirst(rows, { refusals, failedAt, now });
  });
}

function isOfSameRepository(a: TargetBlockRow, b: TargetBlockRow): boolean {
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
