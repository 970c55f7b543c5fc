import type { Migration } from './migration.ts';

/** One text for both databases; `{seq}` is the only difference: an ever-growing key. */
export const first: Migration = {
  number: 1,
  name: 'first',
  kind: 'expand',
  statements: [
    `create table forges (
      id text primary key,
      kind text not null,
      webhooks_missed_since bigint,
      webhook_missed_at bigint,
      created_at bigint not null
    )`,

    `create table groups (
      id text primary key,
      forge_id text not null references forges (id),
      name text not null,
      description text not null,
      runner_labels text not null,
      runner_scopes text,
      max_parallel integer,
      is_enabled smallint not null,
      is_paused smallint not null,
      next_number bigint not null,
      created_at bigint not null,
      updated_at bigint not null
    )`,
    `create index groups_name on groups (name)`,

    `create table templates (
      id text primary key,
      group_id text not null references groups (id),
      name text not null,
      owner text not null,
      repo text not null,
      workflow_id text not null,
      ref text not null,
      default_inputs text,
      labels text,
      runners integer not null,
      correlation_input text,
      in_config smallint not null,
      source_type text not null,
      source_path text not null,
      created_at bigint not null,
      updated_at bigint not null
    )`,
    `create index templates_group on templates (group_id, name)`,

    `create table jobs (
      id text primary key,
      forge_id text not null references forges (id),
      group_id text not null references groups (id),
      template_id text references templates (id),
      state text not null,
      is_paused smallint not null,
      priority integer not null,
      rank bigint not null,
      number bigint not null,
      name text,
      owner text,
      repo text,
      workflow_id text,
      ref text,
      labels text,
      inputs text,
      auto_requeue smallint not null,
      requeue_limit integer,
      requeue_count integer not null,
      failure_count integer not null,
      created_by text not null,
      attempt_id text,
      absent_count integer not null,
      not_before bigint,
      triggered_at bigint,
      started_at bigint,
      completed_at bigint,
      run_id text,
      run_url text not null,
      run_created_at bigint,
      run_started_at bigint,
      run_completed_at bigint,
      runner_id text,
      runner_name text not null,
      error_message text not null,
      created_at bigint not null,
      updated_at bigint not null
    )`,
    // All that the dispatcher asks of a pending job, so that paused, put off and blocked ones are passed over inside
    // the index: the rows of 100,000 jobs that wait for one broken target are not worth reading.
    `create index jobs_pending on jobs (
      group_id, priority desc, rank, id,
      is_paused, not_before, template_id, owner, repo, workflow_id, ref, created_at
    ) where state = 'pending'`,
    // Jobs that go where their template does not say: few, and looked at one by one.
    `create index jobs_own_target on jobs (group_id, priority desc, rank, id) where state = 'pending'
      and (template_id is null or owner is not null or repo is not null or workflow_id is not null or ref is not null)`,
    `create index jobs_active on jobs (group_id, triggered_at, id) where state in ('triggered', 'running')`,
    // One run of entries per state, or per template and state: a page of history is a merge of their heads.
    `create index jobs_ended on jobs (group_id, state, completed_at desc, id desc) where completed_at is not null`,
    `create index jobs_ended_by_template on jobs (group_id, template_id, state, completed_at desc, id desc)
      where completed_at is not null`,
    `create index jobs_completed_at on jobs (completed_at) where completed_at is not null`,
    `create index jobs_not_before on jobs (forge_id, not_before) where state = 'pending' and not_before is not null`,
    // Where jobs go that do not go where their template goes.
    `create index jobs_elsewhere on jobs (group_id, template_id, owner, repo)
      where completed_at is null and (template_id is null or owner is not null or repo is not null)`,
    // Its foreign key asks for it: else deleting a template that left the config reads all jobs.
    `create index jobs_template on jobs (template_id)`,
    `create index jobs_attempt on jobs (attempt_id)`,

    `create table job_counts (
      group_id text not null,
      template_id text not null,
      state text not null,
      n bigint not null,
      primary key (group_id, template_id, state)
    )`,
    `create index job_counts_pending on job_counts (group_id, template_id, n) where state = 'pending'`,

    `create table attempts (
      id text primary key,
      job_id text not null,
      group_id text not null,
      forge_id text not null,
      credential_id text not null,
      actor text not null,
      owner text not null,
      repo text not null,
      workflow_id text not null,
      ref text not null,
      inputs_hash text not null,
      correlation_input text,
      labels text not null,
      runners integer not null,
      state text not null,
      claimed_at bigint not null,
      send_deadline bigint not null,
      forge_claimed_at bigint not null,
      forge_send_deadline bigint not null,
      run_id text,
      run_url text not null,
      matched_by text,
      run_status text,
      run_conclusion text,
      run_created_at bigint,
      run_started_at bigint,
      run_observed_at bigint,
      runner_id text,
      runner_name text not null,
      missing_since bigint,
      missing_at bigint,
      gone_since bigint,
      cancel_wanted_at bigint,
      cancel_sent_at bigint,
      force_cancel_sent_at bigint,
      hold_ended_at bigint,
      displaced_at bigint,
      ended_at bigint,
      error_message text not null
    )`,
    `create unique index attempts_run on attempts (forge_id, run_id)`,
    `create index attempts_live on attempts (forge_id, group_id, id) where ended_at is null`,
    `create index attempts_held on attempts (forge_id, group_id, id) where ended_at is null and hold_ended_at is null`,
    `create index attempts_claimed on attempts (send_deadline) where state = 'claimed'`,
    `create index attempts_cancel on attempts (forge_id, cancel_wanted_at) where cancel_wanted_at is not null and ended_at is null`,
    `create index attempts_watched on attempts (forge_id, claimed_at) where run_id is null and ended_at is not null and state <> 'refused'`,
    `create index attempts_job on attempts (job_id)`,
    `create index attempts_ended on attempts (ended_at) where ended_at is not null`,

    `create table run_workflow_jobs (
      forge_id text not null,
      id text not null,
      owner text not null,
      repo text not null,
      run_id text not null,
      run_attempt integer not null,
      name text not null,
      status text not null,
      conclusion text,
      labels text not null,
      runner_id text,
      runner_name text not null,
      created_at bigint,
      started_at bigint,
      completed_at bigint,
      observed_at bigint not null,
      is_owned smallint not null,
      primary key (forge_id, id)
    )`,
    `create index run_workflow_jobs_run on run_workflow_jobs (forge_id, run_id)`,
    `create index run_workflow_jobs_runner on run_workflow_jobs (forge_id, runner_id, started_at) where runner_id is not null`,
    `create index run_workflow_jobs_foreign on run_workflow_jobs (observed_at) where is_owned = 0`,

    `create table group_plans (group_id text primary key, planned_at bigint not null, plan text not null)`,

    `create table target_blocks (
      forge_id text not null,
      owner text not null,
      repo text not null,
      workflow_id text not null,
      ref text not null,
      kind text not null,
      refusals integer not null,
      message text not null,
      since bigint not null,
      next_probe_at bigint,
      primary key (forge_id, owner, repo, workflow_id, ref)
    )`,

    `create table runners (
      id text primary key,
      forge_id text not null references forges (id),
      scope text not null,
      forge_runner_id text not null,
      name text not null,
      labels text not null,
      label_set text not null,
      os text not null,
      status text not null,
      is_busy smallint not null,
      is_ephemeral smallint not null,
      launch_id text,
      observed_at bigint not null,
      missed_passes integer not null,
      last_seen_at bigint not null,
      created_at bigint not null,
      updated_at bigint not null,
      unique (forge_id, scope, forge_runner_id)
    )`,
    `create index runners_by_forge_id on runners (forge_id, forge_runner_id)`,
    `create index runners_class on runners (forge_id, scope, label_set, status, is_busy, missed_passes)`,
    `create index runners_observed on runners (forge_id, scope, observed_at)`,
    `create index runners_missed on runners (forge_id, scope, forge_runner_id) where missed_passes > 0`,
    `create index runners_name on runners (name, id)`,

    `create table runner_scopes (
      forge_id text not null references forges (id),
      scope text not null,
      etags text not null,
      pass_sent_at bigint,
      pass_at bigint,
      error text not null,
      created_at bigint not null,
      primary key (forge_id, scope)
    )`,

    `create table credentials (
      id text primary key,
      forge_id text not null,
      actor text not null,
      rate_limit bigint,
      remaining bigint,
      reset_at bigint,
      blocked_until bigint,
      rate_factor double precision not null,
      secondary_hits integer not null,
      is_connected smallint not null,
      error text not null,
      updated_at bigint not null
    )`,
    `create table dispatch_buckets (
      credential_id text primary key,
      tokens double precision not null,
      filled_at bigint not null
    )`,

    `create table leases (
      name text primary key,
      holder text not null,
      epoch bigint not null,
      expires_at bigint not null
    )`,

    `create table events (
      seq {seq},
      at bigint not null,
      origin text not null,
      kind text not null,
      subject_type text not null,
      subject_id text not null,
      group_id text,
      forge_id text,
      actor text not null,
      is_audit smallint not null,
      data text not null
    )`,
    `create index events_subject on events (subject_type, subject_id, seq)`,
    `create index events_at on events (is_audit, at)`,

    `create table webhook_deliveries (
      forge_id text not null references forges (id),
      id text not null,
      event text not null,
      run_id text not null,
      observation text not null,
      received_at bigint not null,
      processed_at bigint,
      is_unowned smallint not null,
      tries integer not null,
      failure text not null,
      primary key (forge_id, id)
    )`,
    `create index webhook_deliveries_open on webhook_deliveries (forge_id, received_at, id) where processed_at is null`,
    `create index webhook_deliveries_unowned on webhook_deliveries (forge_id, run_id) where is_unowned = 1`,
    `create index webhook_deliveries_age on webhook_deliveries (received_at)`,
    `create index webhook_deliveries_last on webhook_deliveries (forge_id, received_at)`,

    `create table users (
      id text primary key,
      username text not null unique,
      password_hash text not null,
      role text not null,
      auth_provider text not null,
      github_id text,
      is_enabled smallint not null,
      created_at bigint not null,
      updated_at bigint not null
    )`,
    `create index users_github on users (github_id)`,

    `create table sessions (
      id text primary key,
      user_id text not null references users (id) on delete cascade,
      token_hash text not null unique,
      expires_at bigint not null,
      created_at bigint not null
    )`,
    `create index sessions_user on sessions (user_id)`,
    `create index sessions_expiry on sessions (expires_at)`,

    `create table idempotency_keys (
      username text not null,
      key text not null,
      body_hash text not null,
      job_id text not null,
      created_at bigint not null,
      primary key (username, key)
    )`,
    `create index idempotency_keys_age on idempotency_keys (created_at)`,
  ],
};
