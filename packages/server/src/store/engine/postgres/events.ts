import { sql, type Transaction } from 'kysely';
import type { Schema } from '../../schema.ts';
import type { EventRow } from '../commit/pending-writes.ts';
import { EVENTS_CHANNEL } from './listener.ts';

/** Key of an advisory lock: any number that no other program on this database uses. */
const EVENTS_LOCK = 5_140_736_201;

/**
 * Writes events when it is this transaction's turn, and notifies those who listen for commits. The turn lasts until the commit
 * is done: the next number is taken by who commits next, so seq order is commit order. It is taken in the same statement,
 * since all writers wait for it: a way to the server and back in between would be everybody's.
 *
 * A join gives its rows only after both its sides have, and numbers are given to what it gave: never before the turn.
 */
export async function insertEvents(
  tx: Transaction<Schema>,
  events: readonly EventRow[],
  origin: string,
): Promise<void> {
  const all = <K extends keyof EventRow>(column: K): EventRow[K][] =>
    events.map((event) => event[column]);
  await sql`
    with turn as materialized (
      select pg_advisory_xact_lock(${EVENTS_LOCK}::bigint), pg_notify(${EVENTS_CHANNEL}, ${origin})
    )
    insert into events (at, origin, kind, subject_type, subject_id, group_id, forge_id, actor, is_audit, data)
    select at, origin, kind, subject_type, subject_id, group_id, forge_id, actor, is_audit, data
    from unnest(
      ${all('at')}::bigint[], ${all('origin')}::text[], ${all('kind')}::text[], ${all('subject_type')}::text[],
      ${all('subject_id')}::text[], ${all('group_id')}::text[], ${all('forge_id')}::text[], ${all('actor')}::text[],
      ${all('is_audit')}::smallint[], ${all('data')}::text[]
    ) with ordinality as event (
      at, origin, kind, subject_type, subject_id, group_id, forge_id, actor, is_audit, data, n
    ), turn
    order by n
  `.execute(tx);
}
