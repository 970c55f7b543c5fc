/**
 * Rows as both databases hold them: booleans are 0 or 1, times epoch milliseconds, JSON is text that SQL never
 * looks into. One schema, so that a query is typed once and runs on both.
 */
import type { Generated } from 'kysely';
import type { AttemptState, MatchedBy } from '../domain/attempt.ts';
import type { EventKind, SubjectType } from '../domain/event.ts';
import type { TemplateSource } from '../domain/group.ts';
import type { JobState } from '../domain/job.ts';
import type { RunnerStatus } from '../domain/runner.ts';
import type { BlockKind } from '../domain/target-block.ts';

export type Bool = 0 | 1;
export type JsonText = string;

export interface Schema {
  schema_migrations: {
    number: number;
    name: string;
    checksum: string;
    kind: 'expand' | 'contract';
    applied_at: number;
  };
  forges: {
    id: string;
    kind: string;
    /** Something was seen that a webhook should have reported: first and last time of this spell. */
    webhooks_missed_since: number | null;
    webhook_missed_at: number | null;
    created_at: number;
  };
  groups: GroupRow;
  templates: TemplateRow;
  template_versions: TemplateVersionRow;
  jobs: JobRow;
  /** Rows per (group, template, state), kept with every move: nothing that is only counted is loaded. `template_id` '' = manual. */
  job_counts: { group_id: string; template_id: string; state: JobState; n: number };
  attempts: AttemptRow;
  run_workflow_jobs: WorkflowJobRow;
  /** One row, written where nothing else shows that writes work. */
  write_proofs: { id: number; at: number };
  group_plans: { group_id: string; planned_at: number; plan: JsonText };
  target_blocks: TargetBlockRow;
  /** By target: whether the run that was claimed last bore its attempt's id. */
  workflow_namings: NamingRow & { bears_id: Bool; claimed_at: number };
  /** By target and commit: whether a run that the forge named to its attempt bore its id; 0 for good once one of ours lacked it. */
  commit_namings: NamingRow & { head_sha: string; bears_id: Bool; seen_at: number };
  runners: RunnerRow;
  runner_scopes: {
    forge_id: string;
    scope: string;
    etags: JsonText;
    pass_sent_at: number | null;
    pass_at: number | null;
    error: string;
    created_at: number;
  };
  credentials: {
    id: string;
    forge_id: string;
    actor: string;
    rate_limit: number | null;
    remaining: number | null;
    reset_at: number | null;
    blocked_until: number | null;
    rate_factor: number;
    secondary_hits: number;
    is_connected: Bool;
    error: string;
    updated_at: number;
  };
  /** The dispatch buckets, apart from `credentials`: they change with every dispatch. */
  dispatch_buckets: { credential_id: string; tokens: number; filled_at: number };
  leases: { name: string; holder: string; epoch: number; expires_at: number };
  events: {
    seq: Generated<number>;
    at: number;
    origin: string;
    kind: EventKind;
    subject_type: SubjectType;
    subject_id: string;
    group_id: string | null;
    forge_id: string | null;
    actor: string;
    is_audit: Bool;
    data: JsonText;
  };
  webhook_deliveries: WebhookDeliveryRow;
  users: {
    id: string;
    username: string;
    password_hash: string;
    role: 'readonly' | 'admin';
    auth_provider: 'basic' | 'github';
    github_id: string | null;
    is_enabled: Bool;
    created_at: number;
    updated_at: number;
  };
  sessions: {
    id: string;
    user_id: string;
    token_hash: string;
    expires_at: number;
    created_at: number;
  };
  idempotency_keys: {
    username: string;
    key: string;
    body_hash: string;
    job_id: string;
    created_at: number;
  };
}

export interface GroupRow {
  id: string;
  forge_id: string;
  name: string;
  description: string;
  runner_labels: JsonText;
  runner_scopes: JsonText | null;
  max_parallel: number | null;
  is_enabled: Bool;
  is_paused: Bool;
  /** The next job's number; taken by `update … returning`, so that two enqueues never share one. */
  next_number: number;
  created_at: number;
  updated_at: number;
}

export interface TemplateRow {
  id: string;
  group_id: string;
  name: string;
  owner: string;
  repo: string;
  workflow_id: string;
  ref: string;
  default_inputs: JsonText | null;
  labels: JsonText | null;
  runners: number;
  correlation_input: string | null;
  in_config: Bool;
  source_type: TemplateSource;
  source_path: string;
  created_at: number;
  updated_at: number;
}

/** What a template said before it changed; there is one for each change that found jobs which had not ended. */
export type TemplateVersionRow = Pick<
  TemplateRow,
  | 'owner'
  | 'repo'
  | 'workflow_id'
  | 'ref'
  | 'default_inputs'
  | 'runners'
  | 'correlation_input'
  | 'created_at'
> & { id: string; template_id: string };

export interface JobRow {
  id: string;
  forge_id: string;
  group_id: string;
  template_id: string | null;
  /** `null`: what the template says now is what it was queued with. */
  template_version: string | null;
  state: JobState;
  is_paused: Bool;
  priority: number;
  rank: number;
  number: number;
  name: string | null;
  owner: string | null;
  repo: string | null;
  workflow_id: string | null;
  ref: string | null;
  labels: JsonText | null;
  inputs: JsonText | null;
  auto_requeue: Bool;
  requeue_limit: number | null;
  requeue_count: number;
  failure_count: number;
  created_by: string;
  attempt_id: string | null;
  absent_count: number;
  not_before: number | null;
  triggered_at: number | null;
  started_at: number | null;
  completed_at: number | null;
  run_id: string | null;
  run_url: string;
  run_created_at: number | null;
  run_started_at: number | null;
  run_completed_at: number | null;
  runner_id: string | null;
  runner_name: string;
  error_message: string;
  created_at: number;
  updated_at: number;
}

/** Names of owners and repositories in lower case; workflow and ref as attempts write them. */
export interface NamingRow {
  forge_id: string;
  owner: string;
  repo: string;
  workflow_id: string;
  ref: string;
  /** A workflow may show one input in its run-name and not another. */
  correlation_input: string;
}

export interface AttemptRow {
  id: string;
  /** No foreign key: attempts outlive their job. */
  job_id: string;
  group_id: string;
  forge_id: string;
  credential_id: string;
  budget_id: string;
  actor: string;
  owner: string;
  repo: string;
  workflow_id: string;
  ref: string;
  inputs_hash: string;
  correlation_input: string | null;
  is_named: Bool;
  labels: JsonText;
  runners: number;
  state: AttemptState;
  claimed_at: number;
  send_deadline: number;
  forge_claimed_at: number;
  forge_send_deadline: number;
  forge_uncertainty_ms: number;
  /** When its answer was written down. */
  answered_at: number | null;
  run_id: string | null;
  run_url: string;
  matched_by: MatchedBy | null;
  run_status: string | null;
  run_conclusion: string | null;
  run_created_at: number | null;
  run_started_at: number | null;
  run_observed_at: number | null;
  runner_id: string | null;
  runner_name: string;
  missing_since: number | null;
  missing_at: number | null;
  gone_since: number | null;
  cancel_wanted_at: number | null;
  cancel_sent_at: number | null;
  force_cancel_sent_at: number | null;
  hold_ended_at: number | null;
  displaced_at: number | null;
  ended_at: number | null;
  error_message: string;
}

export interface WorkflowJobRow {
  forge_id: string;
  id: string;
  owner: string;
  repo: string;
  run_id: string;
  run_attempt: number;
  name: string;
  status: string;
  conclusion: string | null;
  labels: JsonText;
  runner_id: string | null;
  runner_name: string;
  created_at: number | null;
  started_at: number | null;
  completed_at: number | null;
  observed_at: number;
  /** An attempt of ours has the run. Others are kept for what they tell about their runner. */
  is_owned: Bool;
}

export interface WebhookDeliveryRow {
  forge_id: string;
  /** The forge's: the same when it sends the delivery again. */
  id: string;
  event: string;
  run_id: string;
  observation: JsonText;
  received_at: number;
  processed_at: number | null;
  /** Its run was no attempt's when it was processed. One may have started it all the same, and not know it yet. */
  is_unowned: Bool;
  tries: number;
  /** Why it could not be applied the last time; '' if that never happened. */
  failure: string;
}

/** `workflow_id` and `ref` are '' where the whole repository is meant (`no-access`). */
export interface TargetBlockRow {
  forge_id: string;
  owner: string;
  repo: string;
  workflow_id: string;
  ref: string;
  kind: BlockKind;
  /**
   * Permanent refusals in a row; it blocks from the third on (`no-access`: from the first). Of `failing`: failures in a row, 0 when
   * the whole forge had failed and it is tried anew; of a whole repository it begins to fail with the third.
   */
  refusals: number;
  message: string;
  since: number;
  /** Set while it blocks. A claim after it takes the probe by moving it on. */
  next_probe_at: number | null;
}

export interface RunnerRow {
  id: string;
  forge_id: string;
  scope: string;
  forge_runner_id: string;
  name: string;
  labels: JsonText;
  label_set: string;
  os: string;
  status: RunnerStatus;
  is_busy: Bool;
  /** Gone after one workflow job. */
  is_ephemeral: Bool;
  launch_id: string | null;
  /**
   * Send time of the observation that last changed this row. A listing that found it as it was does not write
   * it: such a row was observed when its scope's `pass_sent_at` says, if that is later.
   */
  observed_at: number;
  /** Listings in a row without it: it is shown offline; the third one deletes it. */
  missed_passes: number;
  /** Unless missed, it was seen by the scope's last listing (`pass_at`). */
  last_seen_at: number;
  created_at: number;
  updated_at: number;
}
