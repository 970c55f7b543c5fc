import { type SqlBool, sql } from 'kysely';
import { SYSTEM_ACTOR } from '../../domain/event.ts';
import { labelSetOf } from '../../domain/runner.ts';
import { OBSERVED_AHEAD_MS } from '../../domain/timing.ts';
import { uuidv7 } from '../../lib/ids.ts';
import { makeYield, yieldToOthers } from '../../lib/yield.ts';
import { chunksOf } from '../chunks.ts';
import type { Database, WriteTx } from '../database.ts';
import { holdsLease } from '../leases.ts';
import type { Fence } from '../port/leases.ts';
import type { ObservedUse, RunnerSync } from '../port/runners.ts';
import { stringsOf } from '../rows.ts';
import { emitChanged, emitGone } from './events.ts';
import {
  compareWithListing,
  type KnownRunner,
  type ListingDifference,
} from './listing-difference.ts';
import { observedUseOf } from './observed-use.ts';
import { lockScope } from './use.ts';

/** 17 columns a row; on SQLite also as long as the process may be blocked. */
const ROWS_PER_STATEMENT = 150;
const ROWS_PER_READ = 1_000;
/** Two minutes: pages are read side by side, and each request ends within the configured timeout (30 s). */
const LONGEST_LISTING_MS = 120_000;

interface StoredScope {
  readonly etags: readonly string[];
  readonly listingSentAt: number | null;
  readonly listedAt: number | null;
  readonly error: string;
}

/**
 * Only rows that look different are written: 10,000 idle runners cost nothing but reading them. That all others were
 * seen is shown by the scope's row, which says when its last listing was sent and stored.
 */
export async function recordListing(
  tx: WriteTx,
  database: Database,
  fence: Fence,
  listing: RunnerSync,
): Promise<ObservedUse | undefined> {
  if (!(await holdsLease(tx, database, fence))) return undefined;
  await lockScope(tx, listing.forgeId, listing.scope);
  const scope = await findScope(tx, listing);
  if (scope === undefined) return undefined;
  const isBehind = (scope.listingSentAt ?? -Infinity) >= listing.sentAt;
  // An older pass knows nothing that a newer one has not seen, and would bring back what has gone meanwhile.
  if (isBehind && !isClockPutBack(tx, scope)) return undefined;
  if (!isAboutStored(listing, scope)) return undefined;
  const isRepeatable = !isBehind && !(await isTouched(tx, listing, scope));
  await forgetTimesFrom(
    tx,
    listing,
    isBehind ? listing.sentAt : listing.sentAt + OBSERVED_AHEAD_MS,
  );
  const known = await listKnown(tx, listing);
  await yieldToOthers();
  const compared = { ...listing, now: tx.now };
  const difference = await compareWithListing(known, compared, makeYield(database.clock));
  await yieldToOthers();
  const seenUse = observedUseOf(listing, scope.listingSentAt, difference);
  const told = await writeDifference(tx, { listing, scope }, difference);
  // "Unchanged" would vouch for a row that somebody has changed since.
  const etags = listing.runners === null && !isRepeatable ? [] : listing.etags;
  await saveListing(tx, { ...listing, etags });
  const isNews = scope.listingSentAt === null || scope.error !== '' || wasStale(tx, scope, listing);
  if (isNews || told > 0 || (await isHoldWaiting(tx, listing))) emitObserved(tx, listing);
  return seenUse;
}

/**
 * "Unchanged" is about the listing whose ETags were sent. Where another was stored since those were read, it says nothing
 * of the rows: they would stay as they are for good, an idle runner busy.
 */
function isAboutStored({ runners, etags }: RunnerSync, stored: StoredScope): boolean {
  return runners !== null || JSON.stringify(etags) === JSON.stringify(stored.etags);
}

/**
 * No request is under way for so long: what seems older than a listing stored that long ago was sent by a forge's clock
 * that was put back. Without this nobody would look at the scope until it has caught up, an hour or a year.
 */
function isClockPutBack({ now }: WriteTx, { listedAt }: StoredScope): boolean {
  return listedAt !== null && now - listedAt >= LONGEST_LISTING_MS;
}

/** Its runners counted as not free: a plan may have left jobs behind that can go now, though nothing has changed. */
function wasStale({ now }: WriteTx, { listedAt }: StoredScope, { unseenMs }: RunnerSync): boolean {
  return listedAt !== null && now - listedAt > unseenMs;
}

/** What was observed at times that are yet to come is older than this listing. */
async function forgetTimesFrom(
  { db }: WriteTx,
  { forgeId, scope, sentAt }: RunnerSync,
  fromMs: number,
): Promise<void> {
  await db
    .updateTable('runners')
    .set({ observed_at: sentAt - 1 })
    .where('forge_id', '=', forgeId)
    .where('scope', '=', scope)
    .where('observed_at', '>=', fromMs)
    .execute();
}

async function findScope(
  { db }: WriteTx,
  { forgeId, scope }: RunnerSync,
): Promise<StoredScope | undefined> {
  const row = await db
    .selectFrom('runner_scopes')
    .select(['etags', 'pass_sent_at as listingSentAt', 'pass_at as listedAt', 'error'])
    .where('forge_id', '=', forgeId)
    .where('scope', '=', scope)
    .executeTakeFirst();
  return row && { ...row, etags: stringsOf(row.etags) };
}

/** Something else than a listing has observed a runner since the last one: what that one said of it is overwritten. */
async function isTouched(
  { db }: WriteTx,
  { forgeId, scope }: RunnerSync,
  { listingSentAt }: StoredScope,
): Promise<boolean> {
  if (listingSentAt === null) return false;
  const touched = await db
    .selectFrom('runners')
    .select('id')
    .where('forge_id', '=', forgeId)
    .where('scope', '=', scope)
    .where('observed_at', '>', listingSentAt)
    .limit(1)
    .executeTakeFirst();
  return touched !== undefined;
}

/** Those of the scope; of a listing that says "unchanged" only those that were missed the last time. */
async function listKnown(
  { db }: WriteTx,
  { forgeId, scope, runners }: RunnerSync,
): Promise<KnownRunner[]> {
  const known: KnownRunner[] = [];
  for (let last = ''; ; ) {
    const rows = await db
      .selectFrom('runners')
      .select(['id', 'forge_runner_id', 'name', 'labels', 'os', 'status', 'is_busy'])
      .select(['is_ephemeral', 'observed_at', 'missed_passes', 'last_seen_at'])
      .where('forge_id', '=', forgeId)
      .where('scope', '=', scope)
      .where('forge_runner_id', '>', last)
      .$if(runners === null, (all) => all.where(sql<SqlBool>`missed_passes > 0`))
      .orderBy('forge_runner_id')
      .limit(ROWS_PER_READ)
      .execute();
    known.push(...rows);
    last = rows.at(-1)?.forge_runner_id ?? '';
    if (rows.length < ROWS_PER_READ) return known;
    await yieldToOthers();
  }
}

interface Context {
  readonly listing: RunnerSync;
  readonly scope: StoredScope;
}

/** @returns how many runners changed */
async function writeDifference(
  tx: WriteTx,
  context: Context,
  { changed, missed, gone }: ListingDifference,
): Promise<number> {
  let told = 0;
  const writeAll = async <T>(
    all: readonly T[],
    write: (tx: WriteTx, context: Context, some: readonly T[]) => Promise<number>,
  ): Promise<void> => {
    for (const chunk of chunksOf(all, ROWS_PER_STATEMENT)) {
      told += await write(tx, context, chunk);
      await yieldToOthers();
    }
  };
  await writeAll(changed, upsert);
  await writeAll(missed, miss);
  await writeAll(gone, remove);
  return told;
}

async function upsert(
  tx: WriteTx,
  { listing: { forgeId, scope, sentAt } }: Context,
  changed: ListingDifference['changed'],
): Promise<number> {
  const { db, now } = tx;
  const values = changed.map(({ from, to }) => ({
    ...to,
    label_set: labelSetOf(stringsOf(to.labels)),
    id: from?.id ?? uuidv7(now),
    forge_id: forgeId,
    scope,
    launch_id: null,
    observed_at: sentAt,
    missed_passes: 0,
    last_seen_at: now,
    created_at: now,
    updated_at: now,
  }));
  const written = await db
    .insertInto('runners')
    .values(values)
    .onConflict((conflict) =>
      conflict
        .columns(['forge_id', 'scope', 'forge_runner_id'])
        .doUpdateSet((is) => ({
          name: is.ref('excluded.name'),
          labels: is.ref('excluded.labels'),
          label_set: is.ref('excluded.label_set'),
          os: is.ref('excluded.os'),
          status: is.ref('excluded.status'),
          is_busy: is.ref('excluded.is_busy'),
          is_ephemeral: is.ref('excluded.is_ephemeral'),
          observed_at: is.ref('excluded.observed_at'),
          missed_passes: 0,
          last_seen_at: now,
          updated_at: now,
        }))
        .whereRef('runners.observed_at', '<=', 'excluded.observed_at'),
    )
    .returning(['id', 'forge_runner_id'])
    .execute();
  const ids = new Map(written.map((row) => [row.forge_runner_id, row.id]));
  for (const { from, to } of changed) {
    const id = ids.get(to.forge_runner_id);
    if (id !== undefined) emitChanged(tx, { id, forgeId, scope, from, to, runId: null });
  }
  return written.length;
}

/** Not free from now on, and shown so: it may be an ephemeral runner that has just gone. */
async function miss(
  tx: WriteTx,
  { listing: { forgeId, scope, sentAt }, scope: { listedAt } }: Context,
  missed: readonly KnownRunner[],
): Promise<number> {
  const lastListingAt = listedAt ?? 0;
  const written = await tx.db
    .updateTable('runners')
    .set({
      status: 'offline',
      missed_passes: sql<number>`missed_passes + 1`,
      observed_at: sentAt,
      last_seen_at: sql<number>`case when missed_passes = 0 and last_seen_at < ${lastListingAt}
        then ${lastListingAt} else last_seen_at end`,
      updated_at: tx.now,
    })
    .where('id', 'in', idsOf(missed))
    .where('observed_at', '<=', sentAt)
    .returning('id')
    .execute();
  const won = new Set(written.map((row) => row.id));
  const shown = missed.filter(({ id, status }) => won.has(id) && status !== 'offline');
  for (const from of shown) {
    const to = { ...from, status: 'offline' } as const;
    emitChanged(tx, { id: from.id, forgeId, scope, from, to, runId: null });
  }
  return shown.length;
}

async function remove(
  tx: WriteTx,
  { listing: { sentAt } }: Context,
  gone: readonly KnownRunner[],
): Promise<number> {
  const removed = await tx.db
    .deleteFrom('runners')
    .where('id', 'in', idsOf(gone))
    .where('observed_at', '<=', sentAt)
    .returningAll()
    .execute();
  for (const runner of removed) emitGone(tx, runner, 'absent');
  return removed.length;
}

function idsOf(runners: readonly KnownRunner[]): string[] {
  return runners.map((runner) => runner.id);
}

async function saveListing(
  { db, now }: WriteTx,
  { forgeId, scope, sentAt, etags }: RunnerSync,
): Promise<void> {
  await db
    .updateTable('runner_scopes')
    .set({ etags: JSON.stringify(etags), pass_sent_at: sentAt, pass_at: now, error: '' })
    .where('forge_id', '=', forgeId)
    .where('scope', '=', scope)
    .execute();
}

/** A started run holds a runner until a listing sent later is stored: then somebody has to look. */
async function isHoldWaiting({ db }: WriteTx, { forgeId }: RunnerSync): Promise<boolean> {
  const held = await db
    .selectFrom('attempts')
    .select('id')
    .where('forge_id', '=', forgeId)
    .where(sql<boolean>`ended_at is null and hold_ended_at is null`)
    .where('run_started_at', 'is not', null)
    .limit(1)
    .executeTakeFirst();
  return held !== undefined;
}

function emitObserved(tx: WriteTx, { forgeId, scope, sentAt }: RunnerSync): void {
  tx.emit({
    kind: 'scope.observed',
    subjectType: 'scope',
    subjectId: scope,
    groupId: null,
    forgeId,
    actor: SYSTEM_ACTOR,
    isAudit: false,
    data: { sentAt },
  });
}
