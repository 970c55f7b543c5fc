import { createHash } from 'node:crypto';
import { sql, type Transaction } from 'kysely';
import type { OpenedDatabase } from './engine/opened-database.ts';
import { first } from './migrations/0001-first.ts';
import { writeProofs } from './migrations/0002-write-proofs.ts';
import { templateVersions } from './migrations/0003-template-versions.ts';
import { whoseRun } from './migrations/0004-whose-run.ts';
import { answeredAt } from './migrations/0005-answered-at.ts';
import { knownRuns } from './migrations/0006-known-runs.ts';
import type { Migration } from './migrations/migration.ts';
import { StoreError } from './port/store.ts';
import type { Schema } from './schema.ts';

/** In order; a number is never used twice, and what was released is never changed. */
export const migrations: readonly Migration[] = [
  first,
  writeProofs,
  templateVersions,
  whoseRun,
  answeredAt,
  knownRuns,
];

interface Applied {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
  readonly kind: Migration['kind'];
}

/** Columns whose type has no common name. */
const KEY_TYPES = {
  sqlite: 'integer primary key autoincrement',
  postgres: 'bigint generated always as identity primary key',
} as const;

/**
 * Brings the schema to the newest of `known`, one transaction each. Any number of processes may do so at once.
 *
 * @returns names of what was applied now
 * @throws StoreError `schema` when a migration was altered after it ran, or the database has been contracted by a
 *   newer version
 */
export async function migrate(
  opened: OpenedDatabase,
  known: readonly Migration[] = migrations,
): Promise<string[]> {
  const done: string[] = [];
  const pending = await opened.changeSchema((tx) => listPending(tx, known));
  for (const migration of pending) {
    const isMine = await opened.changeSchema((tx) => apply(tx, migration, opened));
    if (isMine) done.push(`${migration.number}-${migration.name}`);
  }
  return done;
}

async function listPending(
  tx: Transaction<Schema>,
  known: readonly Migration[],
): Promise<Migration[]> {
  await refuseGoDatabase(tx);
  await sql`
    create table if not exists schema_migrations (
      number integer primary key,
      name text not null,
      checksum text not null,
      kind text not null,
      applied_at bigint not null
    )
  `.execute(tx);
  const applied = await tx.selectFrom('schema_migrations').selectAll().orderBy('number').execute();
  for (const row of applied) checkApplied(row, known);
  const newest = applied.at(-1)?.number ?? 0;
  const numbers = new Set(applied.map((row) => row.number));
  const pending = known.filter((migration) => !numbers.has(migration.number));
  const skipped = pending.find((migration) => migration.number < newest);
  if (skipped !== undefined) {
    throw new StoreError(
      'schema',
      `the database has migration ${newest} but not ${skipped.number}: it was made by another line of dispatchoor`,
    );
  }
  return pending;
}

/** Its tables have names of ours and other columns. Found before anything is written: the old program can go on with it. */
async function refuseGoDatabase(tx: Transaction<Schema>): Promise<void> {
  const tables = new Set((await tx.introspection.getTables()).map(({ name }) => name));
  if (tables.has('schema_migrations') || !tables.has('job_templates')) return;
  throw new StoreError(
    'schema',
    'this is a database of the Go dispatchoor, which cannot be taken over yet; write another database.sqlite.path (or database.postgres.database), the old one stays as it is',
  );
}

function checkApplied(row: Applied, known: readonly Migration[]): void {
  const migration = known.find((each) => each.number === row.number);
  if (migration === undefined) {
    if (row.kind === 'expand') return;
    throw new StoreError(
      'schema',
      `the database was changed by a newer dispatchoor (migration ${row.number}, ${row.name}): run that version or a later one`,
    );
  }
  if (row.checksum !== checksumOf(migration)) {
    throw new StoreError(
      'schema',
      `migration ${row.number} (${row.name}) is not the one that made this database: run an unaltered dispatchoor`,
    );
  }
}

/** False: another process was first. Its number goes in before its statements, so two never meet half-way. */
async function apply(
  tx: Transaction<Schema>,
  migration: Migration,
  { database }: OpenedDatabase,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('schema_migrations')
    .values({
      number: migration.number,
      name: migration.name,
      checksum: checksumOf(migration),
      kind: migration.kind,
      applied_at: database.clock.now(),
    })
    .onConflict((conflict) => conflict.column('number').doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 0n) return false;
  for (const statement of migration.statements) {
    await sql.raw(statement.replaceAll('{seq}', KEY_TYPES[database.kind])).execute(tx);
  }
  return true;
}

function checksumOf(migration: Migration): string {
  return createHash('sha256').update(migration.statements.join(';\n')).digest('hex');
}
