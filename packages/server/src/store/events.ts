import type { Event } from '../domain/event.ts';
import type { Database } from './database.ts';
import type { EventStore } from './port/events.ts';
import type { Schema } from './schema.ts';

export function makeEventStore(database: Database): EventStore {
  return {
    listAfter: (seq, limit) => listAfter(database, seq, limit),
    lastSeq: () => lastSeq(database),
    onCommit: (listener) => database.onCommit(listener),
  };
}

/** Sequence order is commit order (engine/postgres/postgres.ts), so nothing below a number already read can still appear. */
async function listAfter({ read }: Database, seq: number, limit: number): Promise<Event[]> {
  const rows = await read
    .selectFrom('events')
    .selectAll()
    .where('seq', '>', seq)
    .orderBy('seq')
    .limit(limit)
    .execute();
  return rows.map(eventOf);
}

async function lastSeq({ read }: Database): Promise<number> {
  const row = await read
    .selectFrom('events')
    .select((is) => is.fn.max('seq').as('seq'))
    .executeTakeFirst();
  return row?.seq ?? 0;
}

function eventOf(row: Omit<Schema['events'], 'seq'> & { readonly seq: number }): Event {
  return {
    seq: row.seq,
    at: row.at,
    origin: row.origin,
    kind: row.kind,
    subjectType: row.subject_type,
    subjectId: row.subject_id,
    groupId: row.group_id,
    forgeId: row.forge_id,
    actor: row.actor,
    isAudit: row.is_audit === 1,
    data: JSON.parse(row.data) as Event['data'],
  };
}
