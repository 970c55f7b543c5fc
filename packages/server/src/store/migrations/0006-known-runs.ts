import type { Migration } from './migration.ts';

/**
 * For the latest attempts whose run is surely their own, and for those of one repository whose run a reply named: however many
 * others there are beside them, of other repositories or refused, these are found.
 */
export const knownRuns: Migration = {
  number: 6,
  name: 'known-runs',
  kind: 'expand',
  statements: [
    `create index attempts_stamped on attempts (forge_id, id)
       where (matched_by in ('reply', 'input') or (matched_by = 'order' and state = 'accepted')) and run_created_at is not null`,
    `create index attempts_named_by_reply on attempts (forge_id, lower(owner), lower(repo), forge_claimed_at)
       where matched_by = 'reply' and run_id is not null`,
  ],
};
