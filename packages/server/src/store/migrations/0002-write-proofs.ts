import type { Migration } from './migration.ts';

/** A row to write where nothing else shows that the database takes writes. */
export const writeProofs: Migration = {
  number: 2,
  name: 'write-proofs',
  kind: 'expand',
  statements: [
    `create table write_proofs (
      id integer primary key,
      at bigint not null
    )`,
  ],
};
