import { isoSeconds } from '../clock.ts';
import type { Forge } from '../forge.ts';
import type { Run, WorkflowJob } from '../world/state.ts';
import { nodeId, simpleUser } from './account-body.ts';
import { minimalRepository, repoApiUrl, repoHtmlUrl } from './repo-body.ts';

export function runApiUrl(run: Run, forge: Forge): string {
  return `${repoApiUrl(run.workflow.repo, forge)}/actions/runs/${String(run.id)}`;
}

export function runHtmlUrl(run: Run, forge: Forge): string {
  return `${repoHtmlUrl(run.workflow.repo, forge)}/actions/runs/${String(run.id)}`;
}

/** `workflow-run` of GitHub's description. */
export function runBody(run: Run, forge: Forge): Record<string, unknown> {
  const { workflow } = run;
  const repository = minimalRepository(workflow.repo, forge);
  const actor = simpleUser(run.actor, forge);
  return {
    id: run.id,
    name: workflow.name,
    node_id: nodeId('WFR', run.id),
    head_branch: run.ref,
    head_sha: run.headSha,
    path: `.github/workflows/${workflow.file}`,
    display_title: run.title,
    run_number: run.runNumber,
    event: 'workflow_dispatch',
    status: run.status,
    conclusion: run.conclusion,
    workflow_id: workflow.id,
    check_suite_id: run.id + 1,
    check_suite_node_id: nodeId('CS', run.id + 1),
    ...runLinks(run, forge),
    pull_requests: [],
    created_at: isoSeconds(run.createdAt),
    updated_at: isoSeconds(run.updatedAt),
    actor,
    run_attempt: run.runAttempt,
    referenced_workflows: [],
    run_started_at: isoSeconds(run.attemptAt),
    triggering_actor: actor,
    head_commit: headCommit(run),
    repository,
    head_repository: repository,
  };
}

function runLinks(run: Run, forge: Forge): Record<string, unknown> {
  const api = runApiUrl(run, forge);
  const repoApi = repoApiUrl(run.workflow.repo, forge);
  const isFirst = run.runAttempt === 1;
  return {
    url: api,
    html_url: runHtmlUrl(run, forge),
    jobs_url: `${api}/jobs`,
    logs_url: `${api}/logs`,
    check_suite_url: `${repoApi}/check-suites/${String(run.id + 1)}`,
    artifacts_url: `${api}/artifacts`,
    cancel_url: `${api}/cancel`,
    rerun_url: `${api}/rerun`,
    previous_attempt_url: isFirst ? null : `${api}/attempts/${String(run.runAttempt - 1)}`,
    workflow_url: `${repoApi}/actions/workflows/${String(run.workflow.id)}`,
  };
}

function headCommit(run: Run): Record<string, unknown> {
  const person = { name: 'forge-sim', email: 'forge-sim@example.com' };
  return {
    id: run.headSha,
    tree_id: run.headSha,
    message: 'Simulated commit',
    timestamp: isoSeconds(run.workflow.repo.createdAt),
    author: person,
    committer: person,
  };
}

/** `job` of GitHub's description. While queued: no runner, and `started_at` repeats `created_at`. */
export function jobBody(job: WorkflowJob, forge: Forge): Record<string, unknown> {
  const { run, runner } = job;
  const repoApi = repoApiUrl(run.workflow.repo, forge);
  const createdAt = job.createdAt ?? run.attemptAt;
  return {
    id: job.id,
    run_id: run.id,
    workflow_name: run.workflow.name,
    head_branch: run.ref,
    run_url: runApiUrl(run, forge),
    run_attempt: job.runAttempt,
    node_id: nodeId('CR', job.id),
    head_sha: run.headSha,
    url: `${repoApi}/actions/jobs/${String(job.id)}`,
    html_url: `${runHtmlUrl(run, forge)}/job/${String(job.id)}`,
    status: job.status,
    conclusion: job.conclusion,
    created_at: isoSeconds(createdAt),
    started_at: isoSeconds(job.startedAt ?? createdAt),
    completed_at: job.completedAt === null ? null : isoSeconds(job.completedAt),
    name: job.name,
    steps: [],
    check_run_url: `${repoApi}/check-runs/${String(job.id)}`,
    labels: job.labels,
    runner_id: runner?.id ?? null,
    runner_name: runner?.name ?? null,
    runner_group_id: runner === null ? null : 1,
    runner_group_name: runner === null ? null : 'Default',
  };
}
