import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { findDoubt } from '../../domain/doubt.ts';
import { type DispatchTarget, missingTargetFields } from '../../domain/job.ts';
import { findOrigin } from '../catalog/template-versions.ts';
import type { Database, WriteTx } from '../database.ts';
import { insertClaimed } from '../moves/attempts.ts';
import { moveJob } from '../moves/jobs.ts';
import type { Claim, ClaimRequest } from '../port/dispatch.ts';
import type { Fence } from '../port/leases.ts';
import { attemptOf, stringMapOf, targetOfJob } from '../rows.ts';
import { listDoubts, listLostNames } from '../runs/doubts.ts';
import { bearsIdOf } from '../runs/naming.ts';
import type { AttemptRow, JobRow } from '../schema.ts';
import { hashOf, inputsWith } from './inputs.ts';
import { isBlocked, takeProbe } from './targets.ts';

/** Undoes a claim that turned out to be impossible after its first write. */
class NotClaimable extends Error {}

export async function claim(
  database: Database,
  fence: Fence,
  request: ClaimRequest,
): Promise<Claim | undefined> {
  try {
    return await database.write(async (tx) => {
      if (!(await lockLease(database, tx, fence))) return undefined;
      const job = await takeJob(database, tx, request);
      return job === undefined ? undefined : writeClaim(database, tx, job, request);
    });
  } catch (error) {
    if (error instanceof NotClaimable) return undefined;
    throw error;
  }
}

/**
 * Locks the lease row until the commit: it cannot change hands in between, and the claims made under it follow one
 * another, so that each counts what the one before has committed. A shared lock would let two count the same cap.
 */
async function lockLease(database: Database, tx: WriteTx, fence: Fence): Promise<boolean> {
  const held = await tx.db
    .updateTable('leases')
    .set({ holder: fence.holder })
    .where('name', '=', fence.name)
    .where('holder', '=', fence.holder)
    .where('epoch', '=', fence.epoch)
    .where('expires_at', '>', database.dbNow)
    .executeTakeFirst();
  return held.numUpdatedRows === 1n;
}

/** The one statement that decides. A pause, edit, delete or claim that was first leaves it no row (defect #32). */
async function takeJob(
  database: Database,
  tx: WriteTx,
  request: ClaimRequest,
): Promise<JobRow | undefined> {
  return moveJob(tx, {
    id: request.jobId,
    from: 'pending',
    to: 'triggered',
    set: { attempt_id: request.attemptId, triggered_at: tx.now, not_before: null },
    where: sql<SqlBool>`is_paused = 0 and (not_before is null or not_before <= ${tx.now})
      and ${groupTakesOne(database)}
      and not ${isBlocked(tx.now)}`,
    event: {
      kind: 'job.triggered',
      data: { attemptId: request.attemptId, credentialId: request.credential.credentialId },
    },
  });
}

function groupTakesOne(database: Database): RawBuilder<SqlBool> {
  return sql<SqlBool>`exists (
    select 1 from groups g
    where g.id = jobs.group_id and g.is_enabled = 1 and g.is_paused = 0
      and (g.max_parallel is null or g.max_parallel > (
        select count(*) from attempts a
        where a.forge_id = g.forge_id and a.group_id = g.id and a.ended_at is null
      ))${database.forShare}
  )`;
}

async function writeClaim(
  database: Database,
  tx: WriteTx,
  job: JobRow,
  request: ClaimRequest,
): Promise<Claim> {
  const origin = await findOrigin(tx.db, job);
  const target = targetOfJob(job, origin);
  if (missingTargetFields(target).length > 0) throw new NotClaimable();
  await takeProbe(tx, job.forge_id, target, request.probeMs);
  const correlationInput = origin?.correlation_input ?? null;
  const { labels, isUnnamed } = await readForClaim(tx, job, target, correlationInput);
  const isNamed = correlationInput !== null && !isUnnamed;
  const inputs_hash = hashOf(stringMapOf(job.inputs), correlationInput);
  const query = { ...request, forgeId: job.forge_id };
  const doubts = isNamed ? [] : await listDoubts(tx.db, query, database.dbNow);
  if (isUnnamed) doubts.push(...(await listLostNames(tx.db, query, database.dbNow)));
  // Claims follow one another (`lockLease`): none comes between this look and the write.
  if (findDoubt(doubts, { ...target, isNamed, inputsHash: inputs_hash }) !== undefined) {
    throw new NotClaimable();
  }
  const inputs = inputsWith(stringMapOf(job.inputs), correlationInput, request.attemptId);
  const { owner, repo, workflowId: workflow_id, ref } = target;
  const attempt = await insertAttempt(database, tx, request, {
    ...{ owner, repo, workflow_id, ref },
    job_id: job.id,
    group_id: job.group_id,
    forge_id: job.forge_id,
    inputs_hash,
    correlation_input: correlationInput,
    is_named: isNamed ? 1 : 0,
    labels,
    runners: origin?.runners ?? 1,
  });
  return { attempt: attemptOf(attempt), inputs };
}

/** In one statement: each that a claim takes delays the dispatch. */
async function readForClaim(
  { db }: WriteTx,
  { group_id, forge_id }: JobRow,
  target: DispatchTarget,
  correlationInput: string | null,
): Promise<{ labels: string; isUnnamed: boolean }> {
  const { labels, bearsId } = await db
    .selectFrom('groups')
    .select('runner_labels as labels')
    .select(bearsIdOf(forge_id, target, correlationInput ?? '').as('bearsId'))
    .where('id', '=', group_id)
    .executeTakeFirstOrThrow();
  return { labels, isUnnamed: bearsId === 0 };
}

type Frozen = Pick<
  AttemptRow,
  | 'job_id'
  | 'group_id'
  | 'forge_id'
  | 'owner'
  | 'repo'
  | 'workflow_id'
  | 'ref'
  | 'inputs_hash'
  | 'correlation_input'
  | 'is_named'
  | 'labels'
  | 'runners'
>;

async function insertAttempt(
  { dbNow }: Database,
  tx: WriteTx,
  { attemptId, credential, sendDeadlineMs, offsetMs, uncertaintyMs }: ClaimRequest,
  frozen: Frozen,
): Promise<AttemptRow> {
  return insertClaimed(tx, {
    ...frozen,
    id: attemptId,
    credential_id: credential.credentialId,
    budget_id: credential.budgetId,
    actor: credential.actor,
    claimed_at: tx.now,
    // By the database's clock: whoever recovers the claim judges by it too, and two servers' clocks may differ.
    send_deadline: sql<number>`${dbNow} + ${sendDeadlineMs}`,
    // By our clock and its offset alone: its run is looked for around them, whatever clock is stepped later.
    forge_claimed_at: tx.now + offsetMs,
    forge_send_deadline: tx.now + offsetMs + sendDeadlineMs,
    forge_uncertainty_ms: uncertaintyMs,
    run_url: '',
    runner_name: '',
    error_message: '',
  });
}
