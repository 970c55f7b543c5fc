import { type RawBuilder, sql } from 'kysely';
import { SYSTEM_ACTOR } from '../domain/event.ts';
import type { Database, WriteTx } from './database.ts';
import { releaseForToken } from './dispatch/new-token.ts';
import type { CredentialRow, CredentialStore } from './port/credentials.ts';
import { toBool } from './rows.ts';
import type { Schema } from './schema.ts';

export function makeCredentialStore(database: Database): CredentialStore {
  return {
    find: (id) => find(database, id),
    save: (forgeId, row, hasConnected) =>
      database.write((tx) => save(tx, forgeId, row, hasConnected)),
    takeDispatch: (id, rate) => database.write((tx) => takeDispatch(tx, database, id, rate)),
  };
}

async function find({ read }: Database, id: string): Promise<CredentialRow | undefined> {
  const row = await read
    .selectFrom('credentials')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  return row === undefined ? undefined : credentialOf(row);
}

function credentialOf(row: Schema['credentials']): CredentialRow {
  return {
    id: row.id,
    actor: row.actor,
    limit: row.rate_limit,
    remaining: row.remaining,
    resetAt: row.reset_at,
    blockedUntil: row.blocked_until,
    rateFactor: row.rate_factor,
    secondaryHits: row.secondary_hits,
    isConnected: row.is_connected === 1,
    error: row.error,
  };
}

/** Counters are no state. What people see of a credential is: connected or not, and why. */
async function save(
  tx: WriteTx,
  forgeId: string,
  row: CredentialRow,
  hasConnected: boolean,
): Promise<void> {
  const isNew = await tryInsert(tx, forgeId, row);
  // Of two servers that start with a token one inserts its row. One that only lists runners costs a probe too early, no more.
  if (isNew) await releaseForToken(tx, forgeId);
  else await saveCounters(tx, forgeId, row);
  const hasChanged = isNew || (await trySaveHealth(tx, row));
  if (!hasChanged && !hasConnected) return;
  tx.emit({
    kind: 'credential.changed',
    subjectType: 'credential',
    subjectId: row.id,
    groupId: null,
    forgeId,
    actor: SYSTEM_ACTOR,
    isAudit: false,
    data: { isConnected: row.isConnected, error: row.error, actor: row.actor },
  });
}

function countersOf(row: CredentialRow) {
  return {
    actor: row.actor,
    rate_limit: row.limit,
    remaining: row.remaining,
    reset_at: row.resetAt,
    rate_factor: row.rateFactor,
    secondary_hits: row.secondaryHits,
  };
}

async function tryInsert({ db, now }: WriteTx, forgeId: string, row: CredentialRow) {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('credentials')
    .values({
      ...countersOf(row),
      id: row.id,
      forge_id: forgeId,
      blocked_until: row.blockedUntil,
      is_connected: toBool(row.isConnected),
      error: row.error,
      updated_at: now,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

/** A process that has not heard of a limit yet must not lift it for the one that has. */
async function saveCounters(
  { db, now }: WriteTx,
  forgeId: string,
  row: CredentialRow,
): Promise<void> {
  const { blockedUntil } = row;
  await db
    .updateTable('credentials')
    .set({ ...countersOf(row), forge_id: forgeId, updated_at: now })
    .where('id', '=', row.id)
    .execute();
  if (blockedUntil === null) return;
  await db
    .updateTable('credentials')
    .set({ blocked_until: blockedUntil })
    .where('id', '=', row.id)
    .where((is) => is.or([is('blocked_until', 'is', null), is('blocked_until', '<', blockedUntil)]))
    .execute();
}

async function trySaveHealth({ db }: WriteTx, row: CredentialRow): Promise<boolean> {
  const isConnected = toBool(row.isConnected);
  const { numUpdatedRows } = await db
    .updateTable('credentials')
    .set({ is_connected: isConnected, error: row.error })
    .where('id', '=', row.id)
    .where((is) => is.or([is('is_connected', '<>', isConnected), is('error', '<>', row.error)]))
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** One statement refills and takes; the row count says whether there was a whole one to take. */
async function takeDispatch(
  { db }: WriteTx,
  database: Database,
  id: string,
  rate: Rate,
): Promise<number | null> {
  const { dbNow, clock } = database;
  const tokens = tokensAt(dbNow, rate);
  const taken = await sql`
    insert into dispatch_buckets (credential_id, tokens, filled_at)
    values (${id}, ${real(rate.burst)} - 1, ${dbNow})
    on conflict (credential_id) do update set tokens = ${tokens} - 1, filled_at = ${dbNow}
    where ${tokens} >= 1
    returning tokens
  `.execute(db);
  if (taken.rows.length > 0) return null;
  const { rows } = await sql<{ tokens: number }>`
    select ${tokens} as tokens from dispatch_buckets where credential_id = ${id}
  `.execute(db);
  // Filled at a time that is yet to come, it would not fill until then: the clock was put back. From now on it does.
  await db
    .updateTable('dispatch_buckets')
    .set({ filled_at: dbNow })
    .where('credential_id', '=', id)
    .where('filled_at', '>', dbNow)
    .execute();
  // How long is the database's word, from when is ours: the caller waits by this process's clock.
  const missing = Math.max(0, 1 - (rows[0]?.tokens ?? 0));
  return clock.now() + Math.ceil((missing / rate.perSecond) * 1_000);
}

/** What the bucket holds now. A database clock that stepped back refills nothing. */
function tokensAt(dbNow: RawBuilder<number>, { burst, perSecond }: Rate): RawBuilder<number> {
  const elapsedMs = sql`case
    when ${dbNow} > dispatch_buckets.filled_at then ${dbNow} - dispatch_buckets.filled_at else 0 end`;
  const refilled = sql`(dispatch_buckets.tokens + (${elapsedMs}) * ${real(perSecond / 1_000)})`;
  return sql<number>`(case when ${refilled} < ${real(burst)} then ${refilled} else ${real(burst)} end)`;
}

/** PostgreSQL would guess a parameter's type from its neighbour, and round it. */
function real(value: number): RawBuilder<number> {
  return sql<number>`cast(${value} as double precision)`;
}
