import { sql } from 'kysely';
import type { StringMap } from '../../domain/job.ts';
import { uuidv7 } from '../../lib/ids.ts';
import type { Database, WriteTx } from '../database.ts';
import { insertJob, takeNumber } from '../moves/jobs.ts';
import type { IdempotencyKey, ListedJob, NewJob } from '../port/jobs.ts';
import { StoreError } from '../port/store.ts';
import { stringMapOf, toBool, toJson } from '../rows.ts';
import type { JobRow, JsonText } from '../schema.ts';
import { listed } from './queue-place.ts';

/**
 * A key whose job was deleted since is refused (`key-reused`): a late repetition of the request must not bring
 * back what somebody removed.
 */
export async function enqueue(
  database: Database,
  job: NewJob,
  key: IdempotencyKey | undefined,
): Promise<{ job: ListedJob; isReplay: boolean }> {
  const { row, isReplay } = await database.write(async (tx) => {
    const id = uuidv7(tx.now);
    const madeBefore = key === undefined ? undefined : await takeKey(tx, key, id);
    if (madeBefore !== undefined) return { row: madeBefore, isReplay: true };
    return { row: await insertNew(database, tx, id, job), isReplay: false };
  });
  return { job: await listed(database.read, row), isReplay };
}

/**
 * The key is the first row written: of two requests at once the second waits here for the first, and finds its job.
 *
 * @returns the job that this key made before
 */
async function takeKey(
  tx: WriteTx,
  { username, key, bodyHash }: IdempotencyKey,
  jobId: string,
): Promise<JobRow | undefined> {
  const { numInsertedOrUpdatedRows } = await tx.db
    .insertInto('idempotency_keys')
    .values({ username, key, body_hash: bodyHash, job_id: jobId, created_at: tx.now })
    .onConflict((conflict) => conflict.columns(['username', 'key']).doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 1n) return undefined;
  const taken = await tx.db
    .selectFrom('idempotency_keys')
    .leftJoin('jobs', 'jobs.id', 'idempotency_keys.job_id')
    .selectAll('jobs')
    .select('idempotency_keys.body_hash')
    .where('idempotency_keys.username', '=', username)
    .where('idempotency_keys.key', '=', key)
    .executeTakeFirstOrThrow();
  const { body_hash: takenHash, ...job } = taken;
  if (takenHash !== bodyHash) {
    throw new StoreError('key-reused', 'this Idempotency-Key came with another request before');
  }
  if (job.id === null) {
    throw new StoreError('key-reused', 'the job that this Idempotency-Key made was deleted');
  }
  return job as JobRow;
}

async function insertNew(
  database: Database,
  tx: WriteTx,
  id: string,
  job: NewJob,
): Promise<JobRow> {
  // Before the group's number: see the order of locks in keepVersion.
  const inputs = await inputsOf(database, tx, job);
  const place = await takeNumber(tx, job.groupId);
  if (place === undefined) {
    throw new StoreError('unknown-group', `there is no group ${job.groupId}`);
  }
  if (inputs === undefined) {
    throw new StoreError(
      'unknown-template',
      `group ${job.groupId} has no template ${job.templateId ?? ''}`,
    );
  }
  const fields = {
    group_id: job.groupId,
    template_id: job.templateId,
    priority: job.priority,
    name: job.name || null,
    owner: job.owner || null,
    repo: job.repo || null,
    workflow_id: job.workflowId || null,
    ref: job.ref || null,
    labels: isEmpty(job.labels) ? null : toJson(job.labels),
    inputs,
    auto_requeue: toBool(job.autoRequeue),
    requeue_limit: job.requeueLimit,
    requeue_count: 0,
    failure_count: 0,
    created_by: job.createdBy,
    not_before: null,
  };
  return insertJob(tx, id, fields, place, { kind: 'job.enqueued', actor: job.createdBy });
}

/**
 * Frozen here: a later change of the template's inputs does not reach this job, nor the chain after it. The template
 * stays as read until the job is there: see keepVersion.
 *
 * @returns `undefined`: the group has no such template
 */
async function inputsOf(
  { forShare }: Database,
  tx: WriteTx,
  job: NewJob,
): Promise<JsonText | null | undefined> {
  if (job.templateId === null) return toJson(job.inputs);
  const { rows } = await sql<{ default_inputs: JsonText | null }>`
    select default_inputs from templates
    where id = ${job.templateId} and group_id = ${job.groupId}${forShare}
  `.execute(tx.db);
  const [template] = rows;
  if (template === undefined) return undefined;
  return toJson({ ...stringMapOf(template.default_inputs), ...job.inputs });
}

function isEmpty(map: StringMap | null): boolean {
  return map === null || Object.keys(map).length === 0;
}
