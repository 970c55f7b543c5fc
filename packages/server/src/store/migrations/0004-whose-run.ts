import type { Migration } from './migration.ts';

/**
 * What tells whose run it is: how well the forge's clock was known at a claim and whose token it was, which attempts are known by their name,
 * and which workflows have shown that their runs bear it.
 */
export const whoseRun: Migration = {
  number: 4,
  name: 'whose-run',
  kind: 'expand',
  statements: [
    `alter table attempts add column is_named smallint not null default 0`,
    `alter table attempts add column forge_uncertainty_ms bigint not null default 1000`,
    `alter table attempts add column budget_id text not null default ''`,
    `update attempts set is_named = 1 where correlation_input is not null`,
    `create index attempts_in_doubt on attempts (forge_id, claimed_at) where is_named = 0 and state <> 'refused' and (run_id is null or (state = 'found' and matched_by = 'order'))`,
    `create index attempts_by_time on attempts (forge_id, claimed_at) where is_named = 0 and state = 'accepted' and matched_by = 'order'`,
    `create table workflow_namings (
      forge_id text not null,
      owner text not null,
      repo text not null,
      workflow_id text not null,
      ref text not null,
      correlation_input text not null,
      bears_id smallint not null,
      claimed_at bigint not null,
      primary key (forge_id, owner, repo, workflow_id, ref, correlation_input)
    )`,
    `create table commit_namings (
      forge_id text not null,
      owner text not null,
      repo text not null,
      workflow_id text not null,
      ref text not null,
      correlation_input text not null,
      head_sha text not null,
      bears_id smallint not null,
      seen_at bigint not null,
      primary key (forge_id, owner, repo, head_sha, workflow_id, ref, correlation_input)
    )`,
    `create index commit_namings_seen on commit_namings (seen_at)`,
  ],
};
