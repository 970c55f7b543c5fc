import { CompiledQuery, type Insertable, type Kysely } from 'kysely';
import type { Schema } from './schema.ts';

type Adapter = ReturnType<Kysely<Schema>['getExecutor']>['adapter'];

/** Statements by their shape, for each database's adapter: they spell them differently. */
const spelled = new WeakMap<Adapter, Map<string, string>>();

/**
 * Inserts rows that have the columns of the first, as plain values: an SQL expression would be remembered with the
 * text. The statement is spelled out once for each of its shapes: where thousands are written a second, that costs
 * more than SQLite needs to carry it out.
 */
export async function insertRows<T extends keyof Schema>(
  db: Kysely<Schema>,
  table: T,
  rows: readonly Insertable<Schema[T]>[],
): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const columns = Object.keys(first);
  const { adapter } = db.getExecutor();
  const known = spelled.get(adapter) ?? new Map<string, string>();
  spelled.set(adapter, known);
  const shape = `${table} ${rows.length} ${columns.join()}`;
  let text = known.get(shape);
  if (text === undefined) {
    text = db.insertInto(table).values(rows).compile().sql;
    known.set(shape, text);
  }
  const parameters = rows.flatMap((row) =>
    columns.map((column) => (row as Record<string, unknown>)[column]),
  );
  await db.executeQuery(CompiledQuery.raw(text, parameters));
}
