import { type Insertable, sql, type Transaction } from 'kysely';
import type { NewEvent } from '../../../domain/event.ts';
import type { JobState } from '../../../domain/job.ts';
import { yieldToOthers } from '../../../lib/yield.ts';
import { chunksOf } from '../../chunks.ts';
import type { WriteTx } from '../../database.ts';
import { toBool } from '../../rows.ts';
import type { Schema } from '../../schema.ts';

export type EventRow = Insertable<Schema['events']>;

// 10 columns an event: far below the 32,766 parameters SQLite takes and the 65,535 of PostgreSQL.
const EVENTS_PER_STATEMENT = 250;
const COUNTS_PER_STATEMENT = 500;

interface Count {
  readonly group_id: string;
  readonly template_id: string;
  readonly state: JobState;
  n: number;
}

/** What one transaction, of one write or several, has to say at its end: counts first, events last. */
export class PendingWrites {
  readonly #origin: string;
  readonly #events: { readonly at: number; readonly event: NewEvent }[] = [];
  readonly #counts = new Map<string, Count>();

  constructor(origin: string) {
    this.#origin = origin;
  }

  get hasEvents(): boolean {
    return this.#events.length > 0;
  }

  /** @param now when the write began: the time of its events */
  handle(db: Transaction<Schema>, now: number): WriteTx {
    return {
      db,
      now,
      emit: (event) => {
        this.#events.push({ at: now, event });
      },
      count: ({ groupId, templateId, state }, delta) => {
        this.#count({ group_id: groupId, template_id: templateId ?? '', state, n: delta });
      },
    };
  }

  /** Takes over what a later write of the same transaction has to say. */
  append(later: PendingWrites): void {
    for (const event of later.#events) this.#events.push(event);
    for (const count of later.#counts.values()) this.#count(count);
  }

  #count(delta: Count): void {
    const key = JSON.stringify([delta.group_id, delta.template_id, delta.state]);
    const count = this.#counts.get(key);
    if (count === undefined) this.#counts.set(key, { ...delta });
    else count.n += delta.n;
  }

  /** In one order for all writers: two that move the same counts wait for each other, never crosswise. */
  async writeCounts(db: Transaction<Schema>): Promise<void> {
    const moved = [...this.#counts]
      .filter(([, count]) => count.n !== 0)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, count]) => count);
    for (const rows of chunksOf(moved, COUNTS_PER_STATEMENT)) {
      await db
        .insertInto('job_counts')
        .values(rows)
        .onConflict((conflict) =>
          conflict
            .columns(['group_id', 'template_id', 'state'])
            .doUpdateSet({ n: sql<number>`job_counts.n + excluded.n` }),
        )
        .execute();
    }
  }

  async writeEvents(insert: (events: readonly EventRow[]) => Promise<void>): Promise<void> {
    for (const events of chunksOf(this.#events, EVENTS_PER_STATEMENT)) {
      const rows = events.map(({ at, event }) => ({
        at,
        origin: this.#origin,
        kind: event.kind,
        subject_type: event.subjectType,
        subject_id: event.subjectId,
        group_id: event.groupId,
        forge_id: event.forgeId,
        actor: event.actor,
        is_audit: toBool(event.isAudit),
        data: JSON.stringify(event.data),
      }));
      await insert(rows);
      if (this.#events.length > EVENTS_PER_STATEMENT) await yieldToOthers();
    }
  }
}
