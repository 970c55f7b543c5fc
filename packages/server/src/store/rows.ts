/** Rows as the database holds them, in the domain's words. */
import type { Attempt, WorkflowJob } from '../domain/attempt.ts';
import type { Group, Template } from '../domain/group.ts';
import { type DispatchTarget, type Job, type StringMap, targetOf } from '../domain/job.ts';
import { labelCaseOf } from '../domain/runner.ts';
import type { GroupOfForgeRow } from './groups-select.ts';
import type { AttemptRow, Bool, JobRow, JsonText, TemplateRow, WorkflowJobRow } from './schema.ts';

export function toBool(value: boolean): Bool {
  return value ? 1 : 0;
}

export function toJson(value: object | null): JsonText | null {
  return value === null ? null : JSON.stringify(value);
}

/** JSON that this process's own code wrote: its shape is known. */
export function stringMapOf(text: JsonText | null): StringMap | null {
  return text === null ? null : (JSON.parse(text) as StringMap);
}

export function stringsOf(text: JsonText): readonly string[] {
  return JSON.parse(text) as string[];
}

export function targetOfRow(row: {
  owner: string;
  repo: string;
  workflow_id: string;
  ref: string;
}): DispatchTarget {
  return { owner: row.owner, repo: row.repo, workflowId: row.workflow_id, ref: row.ref };
}

/** Overrides laid over the template, for rows of both. */
export function targetOfJob(
  job: Pick<JobRow, 'owner' | 'repo' | 'workflow_id' | 'ref'>,
  template: Pick<TemplateRow, 'owner' | 'repo' | 'workflow_id' | 'ref'> | undefined,
): DispatchTarget {
  const own = { owner: job.owner, repo: job.repo, workflowId: job.workflow_id, ref: job.ref };
  return targetOf(own, template === undefined ? undefined : targetOfRow(template));
}

export function groupOf(row: GroupOfForgeRow): Group {
  return {
    id: row.id,
    forgeId: row.forge_id,
    name: row.name,
    description: row.description,
    runnerLabels: stringsOf(row.runner_labels),
    labelCase: labelCaseOf(row.forge_kind),
    runnerScopes: row.runner_scopes === null ? null : stringsOf(row.runner_scopes),
    maxParallel: row.max_parallel,
    isEnabled: row.is_enabled === 1,
    isPaused: row.is_paused === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function templateOf(row: TemplateRow): Template {
  return {
    ...targetOfRow(row),
    id: row.id,
    groupId: row.group_id,
    name: row.name,
    defaultInputs: stringMapOf(row.default_inputs),
    labels: stringMapOf(row.labels),
    runners: row.runners,
    correlationInput: row.correlation_input,
    inConfig: row.in_config === 1,
    sourceType: row.source_type,
    sourcePath: row.source_path,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function jobOf(row: JobRow): Job {
  return {
    id: row.id,
    forgeId: row.forge_id,
    groupId: row.group_id,
    templateId: row.template_id,
    templateVersion: row.template_version,
    state: row.state,
    isPaused: row.is_paused === 1,
    priority: row.priority,
    rank: row.rank,
    number: row.number,
    name: row.name,
    owner: row.owner,
    repo: row.repo,
    workflowId: row.workflow_id,
    ref: row.ref,
    labels: stringMapOf(row.labels),
    inputs: stringMapOf(row.inputs),
    autoRequeue: row.auto_requeue === 1,
    requeueLimit: row.requeue_limit,
    requeueCount: row.requeue_count,
    failureCount: row.failure_count,
    createdBy: row.created_by,
    attemptId: row.attempt_id,
    absentCount: row.absent_count,
    notBefore: row.not_before,
    triggeredAt: row.triggered_at,
    startedAt: row.started_at,
    completedAt: row.completed_at,
    runId: row.run_id,
    runUrl: row.run_url,
    runCreatedAt: row.run_created_at,
    runStartedAt: row.run_started_at,
    runCompletedAt: row.run_completed_at,
    runnerId: row.runner_id,
    runnerName: row.runner_name,
    errorMessage: row.error_message,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function attemptOf(row: AttemptRow): Attempt {
  return {
    ...targetOfRow(row),
    id: row.id,
    jobId: row.job_id,
    groupId: row.group_id,
    forgeId: row.forge_id,
    credentialId: row.credential_id,
    budgetId: row.budget_id,
    actor: row.actor,
    inputsHash: row.inputs_hash,
    correlationInput: row.correlation_input,
    isNamed: row.is_named === 1,
    state: row.state,
    claimedAt: row.claimed_at,
    sendDeadline: row.send_deadline,
    forgeClaimedAt: row.forge_claimed_at,
    forgeSendDeadline: row.forge_send_deadline,
    forgeUncertaintyMs: row.forge_uncertainty_ms,
    runners: row.runners,
    labels: stringsOf(row.labels),
    runId: row.run_id,
    runUrl: row.run_url,
    matchedBy: row.matched_by,
    runStatus: row.run_status,
    runConclusion: row.run_conclusion,
    runCreatedAt: row.run_created_at,
    runStartedAt: row.run_started_at,
    runnerId: row.runner_id,
    runnerName: row.runner_name,
    runObservedAt: row.run_observed_at,
    missingSince: row.missing_since,
    missingAt: row.missing_at,
    goneSince: row.gone_since,
    cancelWantedAt: row.cancel_wanted_at,
    cancelSentAt: row.cancel_sent_at,
    forceCancelSentAt: row.force_cancel_sent_at,
    holdEndedAt: row.hold_ended_at,
    displacedAt: row.displaced_at,
    endedAt: row.ended_at,
    errorMessage: row.error_message,
  };
}

export function workflowJobOf(row: WorkflowJobRow): WorkflowJob {
  return {
    id: row.id,
    runId: row.run_id,
    runAttempt: row.run_attempt,
    name: row.name,
    status: row.status,
    conclusion: row.conclusion,
    labels: stringsOf(row.labels),
    runnerId: row.runner_id,
    runnerName: row.runner_name,
    createdAt: row.created_at,
    startedAt: row.started_at,
    completedAt: row.completed_at,
  };
}
