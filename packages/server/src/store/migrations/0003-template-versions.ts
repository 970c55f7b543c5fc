import type { Migration } from './migration.ts';

/** What a template said before it changed, for the jobs that were queued by then. */
export const templateVersions: Migration = {
  number: 3,
  name: 'template-versions',
  kind: 'expand',
  statements: [
    `create table template_versions (
      id text primary key,
      template_id text not null references templates (id) on delete cascade,
      owner text not null,
      repo text not null,
      workflow_id text not null,
      ref text not null,
      default_inputs text,
      runners integer not null,
      correlation_input text,
      created_at bigint not null
    )`,
    `create index template_versions_template on template_versions (template_id)`,
    `alter table jobs add column template_version text`,
    // As before, with the version: jobs of a blocked one are passed over inside the index too.
    `drop index jobs_pending`,
    `create index jobs_pending on jobs (
      group_id, priority desc, rank, id,
      is_paused, not_before, template_id, template_version, owner, repo, workflow_id, ref, created_at
    ) where state = 'pending'`,
    `create index jobs_template_version on jobs (template_version)
      where template_version is not null and completed_at is null`,
  ],
};
