import type { Migration } from './migration.ts';

/** When a dispatch was answered: its run was made before, so one that is stamped later shows that stamps are ahead. */
export const answeredAt: Migration = {
  number: 5,
  name: 'answered-at',
  kind: 'expand',
  statements: [`alter table attempts add column answered_at bigint`],
};
