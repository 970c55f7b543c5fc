import type { Transaction } from 'kysely';
import type { Database } from '../database.ts';
import type { Schema } from '../schema.ts';

/** A database before its schema is known to be ours, and the way to change that. */
export interface OpenedDatabase {
  readonly database: Database;
  /** Runs `work` in one transaction without time limits, one process at a time. */
  changeSchema<T>(work: (tx: Transaction<Schema>) => Promise<T>): Promise<T>;
}
