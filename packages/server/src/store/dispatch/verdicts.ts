/** What the answer to a sending says of its repository and workflow, written where the next claims look. */
import { type SqlBool, sql } from 'kysely';
import type { WorkflowTarget } from '../../domain/job.ts';
import type { Database, WriteTx } from '../database.ts';
import type { TargetWord } from '../port/dispatch.ts';
import type { AttemptRow, TargetBlockRow } from '../schema.ts';
import { noteFailureOfRepository } from './failing-repository.ts';
import { clearTarget, emitTarget, isFor, targetOfAttempt } from './targets.ts';

/** Permanent refusals in a row after which a template counts as broken. One could be a typo being mended. */
const REFUSALS_TO_BLOCK = 3;
/** A 404 that was last seen so long ago has nothing to do with one of now. */
const MISSING_FORGOTTEN_MS = 60 * 60_000;

type BlockKey = Pick<
  TargetBlockRow,
  'forge_id' | 'owner' | 'repo' | 'workflow_id' | 'ref' | 'kind'
>;

/** What comes of it for the job. */
export interface Noted {
  /** A 404 has repeated, and so counts. */
  readonly hasRepeated: boolean;
  readonly failing: FailingBlock | null;
}

export interface FailingBlock {
  /** When the first of the failures in a row was told. */
  readonly since: number;
  readonly nextProbeAt: number;
}

const NOTHING_MORE: Noted = { hasRepeated: false, failing: null };

export async function noteVerdict(
  tx: WriteTx,
  attempt: AttemptRow,
  word: TargetWord & { readonly message: string },
): Promise<Noted> {
  const { forge_id, owner, repo, workflow_id, ref } = attempt;
  const place = { forge_id, owner, repo };
  const { verdict: kind } = word;
  switch (kind) {
    case 'none':
      await releaseProbe(tx, attempt);
      return NOTHING_MORE;
    case 'works':
      await clearTarget(tx, attempt);
      return NOTHING_MORE;
    case 'no-access':
    case 'archived':
      await addRefusal(tx, { ...place, workflow_id: '', ref: '', kind }, word, 1);
      return NOTHING_MORE;
    case 'workflow-disabled':
      await addRefusal(tx, { ...place, workflow_id, ref: '', kind }, word, 1);
      return NOTHING_MORE;
    case 'template-broken':
      await clearWorkflow(tx, attempt);
      await addRefusal(tx, { ...place, workflow_id, ref, kind }, word, REFUSALS_TO_BLOCK);
      return NOTHING_MORE;
    case 'not-found':
      return { ...NOTHING_MORE, hasRepeated: await noteMissing(tx, attempt, word) };
    case 'failing':
      return { ...NOTHING_MORE, failing: await noteFailure(tx, attempt, word) };
  }
}

/** A probe that told nothing may be made again at once, by whoever is first. */
export async function releaseProbe(tx: WriteTx, attempt: AttemptRow): Promise<void> {
  await tx.db
    .updateTable('target_blocks')
    .set({ next_probe_at: tx.now })
    .where('next_probe_at', '>', tx.now)
    // One that was under way when the block began is no probe of it.
    .where('since', '<', attempt.claimed_at)
    .where(isFor(attempt.forge_id, targetOfAttempt(attempt)))
    .execute();
}

/** Each is tried once as one among others: that it failed while all did says nothing of it. */
export async function releaseFailing(
  database: Database,
  forgeId: string,
  but: readonly WorkflowTarget[] = [],
): Promise<void> {
  await database.write(async (tx) => {
    await tx.db
      .updateTable('target_blocks')
      .set({
        // Those that are due already yield no more, either.
        next_probe_at: sql<number>`case when next_probe_at > ${tx.now} then ${sql.lit(tx.now)} else next_probe_at end`,
        refusals: 0,
      })
      .where('forge_id', '=', forgeId)
      .where('kind', '=', 'failing')
      .where('next_probe_at', 'is not', null)
      .where((is) =>
        is.and(
          but.map(({ owner, repo, workflowId }) =>
            is.not(is.and({ owner, repo, workflow_id: workflowId })),
          ),
        ),
      )
      .execute();
  });
}

/** The forge found the workflow, enabled, and did not fail, so that its repository does not, either: whatever it minds is at the ref. */
async function clearWorkflow(tx: WriteTx, attempt: AttemptRow): Promise<void> {
  const { forge_id, owner, repo, workflow_id } = attempt;
  const cleared = await tx.db
    .deleteFrom('target_blocks')
    .where((eb) => eb.and({ forge_id, owner, repo, ref: '' }))
    .where((eb) => eb.or([eb.and({ workflow_id }), eb.and({ workflow_id: '', kind: 'failing' })]))
    .returningAll()
    .execute();
  for (const row of cleared) if (row.next_probe_at !== null) emitTarget(tx, row, 'target.cleared');
}

async function addRefusal(
  tx: WriteTx,
  key: BlockKey,
  { message, pauses }: TargetWord & { readonly message: string },
  enough: number,
): Promise<void> {
  const probeAt = tx.now + pauses.probeMs;
  const refusals = sql<number>`case when target_blocks.kind = excluded.kind then target_blocks.refusals + 1 else 1 end`;
  const first = { refusals: 1, message, since: tx.now, next_probe_at: enough > 1 ? null : probeAt };
  const row = await tx.db
    .insertInto('target_blocks')
    .values({ ...key, ...first })
    .onConflict((conflict) =>
      conflict.columns(['forge_id', 'owner', 'repo', 'workflow_id', 'ref']).doUpdateSet({
        kind: key.kind,
        refusals,
        message,
        since: sql<number>`case when ${refusals} <= ${enough} then excluded.since else target_blocks.since end`,
        next_probe_at: sql<number>`case when ${refusals} >= ${enough} then ${sql.lit(probeAt)} end`,
      }),
    )
    .returningAll()
    .executeTakeFirstOrThrow();
  if (row.refusals === enough) emitTarget(tx, row, 'target.blocked');
}

/**
 * One 404 may be that of a replica that lags behind. Until a second one, a while later, nothing fails: only the workflow
 * waits. One that has repeated counts as a refusal of the template, and the next job is asked for at once.
 */
async function noteMissing(
  tx: WriteTx,
  attempt: AttemptRow,
  word: TargetWord & { readonly message: string },
): Promise<boolean> {
  const { forge_id, owner, repo, workflow_id, ref } = attempt;
  const { pauses, isTooSoon = false } = word;
  const { recheckMs } = pauses;
  const key = { forge_id, owner, repo, workflow_id, ref: '', kind: 'not-found' } as const;
  const isKnown = sql<SqlBool>`target_blocks.kind = 'not-found' and target_blocks.next_probe_at >= ${tx.now - MISSING_FORGOTTEN_MS}`;
  const hasRepeated = isTooSoon
    ? sql<SqlBool>`1 = 0`
    : sql<SqlBool>`${isKnown} and target_blocks.since <= ${tx.now - recheckMs}`;
  const askAgainAt = tx.now + recheckMs;
  const { message } = word;
  const row = await tx.db
    .insertInto('target_blocks')
    .values({ ...key, refusals: 1, message, since: tx.now, next_probe_at: askAgainAt })
    .onConflict((conflict) =>
      conflict.columns(['forge_id', 'owner', 'repo', 'workflow_id', 'ref']).doUpdateSet({
        kind: key.kind,
        refusals: sql<number>`case when ${isKnown} then target_blocks.refusals + 1 else 1 end`,
        message,
        since: sql<number>`case when ${isKnown} then target_blocks.since else excluded.since end`,
        next_probe_at: sql<number>`case when ${hasRepeated} then ${sql.lit(tx.now)} else ${sql.lit(askAgainAt)} end`,
      }),
    )
    .returningAll()
    .executeTakeFirstOrThrow();
  if (row.refusals === 1) emitTarget(tx, row, 'target.blocked');
  if (isTooSoon || row.since > tx.now - recheckMs) return false;
  const broken = { ...key, ref, kind: 'template-broken' } as const;
  await addRefusal(tx, broken, word, REFUSALS_TO_BLOCK);
  return true;
}

/**
 * What else is known to be in the way stays: its probe has been put off already.
 *
 * @returns `null`: something else is in the way
 */
async function noteFailure(
  tx: WriteTx,
  attempt: AttemptRow,
  { message, pauses }: TargetWord & { readonly message: string },
): Promise<FailingBlock | null> {
  const { forge_id, owner, repo, workflow_id } = attempt;
  const key = { forge_id, owner, repo, workflow_id, ref: '' };
  const { firstFailureMs, longestFailureMs } = pauses;
  const first = { refusals: 1, message, since: tx.now, next_probe_at: tx.now + firstFailureMs };
  const row = await tx.db
    .insertInto('target_blocks')
    .values({ ...key, kind: 'failing', ...first })
    .onConflict((conflict) =>
      conflict
        .columns(['forge_id', 'owner', 'repo', 'workflow_id', 'ref'])
        .doUpdateSet({ refusals: sql<number>`target_blocks.refusals + 1`, message })
        .where('target_blocks.kind', '=', 'failing')
        // Those that were under way when it began must not count as many failures in a row.
        .where('target_blocks.since', '<', attempt.claimed_at),
    )
    .returningAll()
    .executeTakeFirst();
  if (row === undefined) return null;
  await noteFailureOfRepository(tx, attempt, { message, isFirstOfWorkflow: row.refusals === 1 });
  if (row.refusals === 1) emitTarget(tx, row, 'target.blocked');
  const pauseMs = firstFailureMs * 2 ** Math.min(row.refusals - 1, 20);
  const nextProbeAt = tx.now + Math.min(pauseMs, longestFailureMs);
  await tx.db
    .updateTable('target_blocks')
    .set({ next_probe_at: nextProbeAt })
    .where((eb) => eb.and(key))
    .execute();
  return { since: row.since, nextProbeAt };
}
