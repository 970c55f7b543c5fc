import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Database, WriteTx } from './database.ts';
import { deleteAttempts, deleteEndedJobs } from './moves/delete-ended.ts';
import type { RetentionStore } from './port/retention.ts';
import { emitGone } from './runners/events.ts';

const IDEMPOTENCY_KEYS_KEPT_MS = 24 * 3_600_000;
/** Forges send a delivery again for days; its id must be known that long. */
const DELIVERIES_KEPT_MS = 7 * 24 * 3_600_000;
/** What others did on our runners: no webhook is so late that it would still report its beginning. */
const FOREIGN_JOBS_KEPT_MS = 24 * 3_600_000;
/** A token in use writes its row all day; no limit lasts so long. */
const CREDENTIALS_KEPT_MS = 7 * 24 * 3_600_000;
/**
 * One at which ids are borne is noted anew where it is still sent to: without it a lost answer is only harder to settle. One at
 * which a run lacked its id is kept as long as any is made there.
 */
const COMMIT_NAMINGS_KEPT_MS = 30 * 24 * 3_600_000;
const EXPIRED_PER_TRANSACTION = 500;

/** Forges deliver what a whole organisation does, ours or not: the oldest beyond so many go before their time. */
export interface KeptCounts {
  /** Of those that are taken: nothing that still waits is dropped. */
  readonly deliveries: number;
  readonly foreignJobs: number;
}

const KEPT_COUNTS: KeptCounts = { deliveries: 500_000, foreignJobs: 100_000 };

export function makeRetentionStore(
  database: Database,
  keptCounts: KeptCounts = KEPT_COUNTS,
): RetentionStore {
  return {
    deleteEndedJobs: (before, batch) =>
      database.write((tx) => deleteEndedJobs(tx, database, before, batch)),
    deleteAttempts: (endedBefore, batch) =>
      database.write((tx) => deleteAttempts(tx, endedBefore, batch)),
    deleteEvents: (feedBefore, auditBefore, batch) =>
      database.write(async (tx) => {
        const feed = await deleteEvents(tx, 0, feedBefore, batch);
        const audit = await deleteEvents(tx, 1, auditBefore, batch - feed);
        return feed + audit;
      }),
    deleteExpired: async (now) => {
      const expired = await deleteExpired(database, now);
      return expired + (await deleteBeyond(database, keptCounts));
    },
    deleteStaleRunners: (before) => database.write((tx) => deleteStaleRunners(tx, before)),
  };
}

async function deleteEvents(
  { db }: WriteTx,
  isAudit: 0 | 1,
  before: number,
  batch: number,
): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('events')
    .where('seq', 'in', (query) =>
      query
        .selectFrom('events as old')
        .select('old.seq')
        .where('old.is_audit', '=', isAudit)
        .where('old.at', '<', before)
        .orderBy('old.at')
        .limit(batch),
    )
    .executeTakeFirst();
  return Number(numDeletedRows);
}

/** Sessions, idempotency keys, webhook deliveries, workflow jobs of others, budgets of tokens that nobody uses. */
async function deleteExpired(database: Database, now: number): Promise<number> {
  const keysBefore = now - IDEMPOTENCY_KEYS_KEPT_MS;
  const deliveriesBefore = now - DELIVERIES_KEPT_MS;
  const foreignBefore = now - FOREIGN_JOBS_KEPT_MS;
  const credentialsBefore = now - CREDENTIALS_KEPT_MS;
  const limit = sql`limit ${EXPIRED_PER_TRANSACTION}`;
  const deletes = [
    sql`delete from sessions where id in (
      select id from sessions where expires_at <= ${now} order by expires_at ${limit}
    )`,
    sql`delete from idempotency_keys where (username, key) in (
      select username, key from idempotency_keys where created_at <= ${keysBefore}
      order by created_at ${limit}
    )`,
    sql`delete from webhook_deliveries where (forge_id, id) in (
      select forge_id, id from webhook_deliveries
      where received_at <= ${deliveriesBefore} order by received_at ${limit}
    )`,
    sql`delete from credentials where id in (
      select id from credentials where updated_at <= ${credentialsBefore}
      order by updated_at ${limit}
    )`,
    sql`delete from commit_namings where (
      forge_id, owner, repo, head_sha, workflow_id, ref, correlation_input
    ) in (
      select forge_id, owner, repo, head_sha, workflow_id, ref, correlation_input from commit_namings
      where seen_at <= ${now - COMMIT_NAMINGS_KEPT_MS} order by seen_at ${limit}
    )`,
    sql`delete from run_workflow_jobs where (forge_id, id) in (
      select forge_id, id from run_workflow_jobs
      where is_owned = 0 and observed_at <= ${foreignBefore} order by observed_at ${limit}
    )`,
  ];
  let total = 0;
  for (const each of deletes) total += await repeat(database, each);
  return total;
}

async function deleteBeyond(database: Database, kept: KeptCounts): Promise<number> {
  const delivery = await sql<{ at: number }>`
    select received_at as at from webhook_deliveries where processed_at is not null
    order by received_at desc limit 1 offset ${kept.deliveries}
  `.execute(database.read);
  const foreign = await sql<{ at: number }>`
    select observed_at as at from run_workflow_jobs where is_owned = 0
    order by observed_at desc limit 1 offset ${kept.foreignJobs}
  `.execute(database.read);
  const limit = sql`limit ${EXPIRED_PER_TRANSACTION}`;
  const deliveries = await repeat(
    database,
    sql`delete from webhook_deliveries where (forge_id, id) in (
      select forge_id, id from webhook_deliveries
      where processed_at is not null and received_at <= ${delivery.rows[0]?.at ?? -1}
      order by received_at ${limit}
    )`,
  );
  const jobs = await repeat(
    database,
    sql`delete from run_workflow_jobs where (forge_id, id) in (
      select forge_id, id from run_workflow_jobs
      where is_owned = 0 and observed_at <= ${foreign.rows[0]?.at ?? -1}
      order by observed_at ${limit}
    )`,
  );
  return deliveries + jobs;
}

/** Short transactions until nothing is left. */
async function repeat(database: Database, deletion: RawBuilder<unknown>): Promise<number> {
  let total = 0;
  for (;;) {
    const { numAffectedRows } = await database.write(({ db }) => deletion.execute(db));
    const went = Number(numAffectedRows ?? 0n);
    total += went;
    if (went < EXPIRED_PER_TRANSACTION) return total;
  }
}

/** Runners that no pass has seen since, and then the scopes that have neither runners nor a pass since. */
async function deleteStaleRunners(tx: WriteTx, before: number): Promise<number> {
  const gone = await tx.db
    .deleteFrom('runners')
    .where('last_seen_at', '<', before)
    .where(
      sql<SqlBool>`not exists (
        select 1 from runner_scopes as s
        where s.forge_id = runners.forge_id and s.scope = runners.scope
          and runners.missed_passes = 0 and s.pass_at >= ${before}
      )`,
    )
    .returningAll()
    .execute();
  for (const runner of gone) emitGone(tx, runner, 'not-seen');
  await tx.db
    .deleteFrom('runner_scopes')
    .where(sql<number>`coalesce(pass_at, created_at)`, '<', before)
    .where((is) =>
      is.not(
        is.exists(
          is
            .selectFrom('runners')
            .select('runners.id')
            .whereRef('runners.forge_id', '=', 'runner_scopes.forge_id')
            .whereRef('runners.scope', '=', 'runner_scopes.scope'),
        ),
      ),
    )
    .execute();
  return gone.length;
}
