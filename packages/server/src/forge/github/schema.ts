import { z } from 'zod';
import type { Run, WorkflowJob } from '../../domain/attempt.ts';
import type { ObservedRunner } from '../../domain/runner.ts';

/**
 * GitHub's replies, cut down to the fields we read. Null and absent are one; what GitHub calls an enum stays an
 * open string, so that a new status is no outage.
 */

/** Ids are int64: octokit parses what a double cannot hold as bigint, and past this door they are strings. */
const id = z.union([z.int(), z.bigint()]).transform(String);

/** PostgreSQL cannot store U+0000, which JSON can say: nothing else is lost with it. */
export const words = z.string().transform((value) => value.replaceAll('\u0000', ''));

const text = words.nullish().transform((value) => value ?? '');

const time = z.string().transform((value, context) => {
  const ms = Date.parse(value);
  if (!Number.isNaN(ms)) return ms;
  context.addIssue({ code: 'custom', message: 'not a time' });
  return z.NEVER;
});

const optionalTime = time.nullish().transform((value) => value ?? null);

const runner = z
  .object({
    id,
    name: words,
    os: text,
    status: words,
    busy: z.boolean(),
    ephemeral: z.boolean().nullish(),
    labels: z.array(z.object({ name: words })),
  })
  .transform(
    (raw): ObservedRunner => ({
      forgeRunnerId: raw.id,
      name: raw.name,
      labels: raw.labels.map((label) => label.name),
      os: raw.os,
      // Whatever else a runner may be one day, only `online` means that it takes jobs.
      status: raw.status === 'online' ? 'online' : 'offline',
      isBusy: raw.busy,
      isEphemeral: raw.ephemeral ?? false,
    }),
  );

export const runnerPage = z.object({ total_count: z.int(), runners: z.array(runner) });
export type RunnerPage = z.infer<typeof runnerPage>;

export const run = z
  .object({
    id,
    run_attempt: z.int().nullish(),
    name: words.nullish(),
    display_title: words.nullish(),
    path: text,
    workflow_id: id,
    event: words,
    head_branch: text,
    actor: z.object({ login: words }).nullish(),
    status: words.nullish(),
    conclusion: words.nullish(),
    html_url: text,
    created_at: time,
    run_started_at: optionalTime,
    updated_at: time,
  })
  .transform(
    (raw): Run => ({
      id: raw.id,
      attempt: raw.run_attempt ?? 1,
      // The workflow's `run-name` comes as display_title; `name` is the workflow's.
      name: raw.display_title ?? raw.name ?? '',
      path: raw.path.replace(/@.*$/, ''),
      workflowId: raw.workflow_id,
      event: raw.event,
      branch: raw.head_branch,
      actor: raw.actor?.login ?? '',
      status: raw.status ?? 'queued',
      conclusion: raw.conclusion ?? null,
      url: raw.html_url,
      createdAt: raw.created_at,
      startedAt: raw.run_started_at,
      updatedAt: raw.updated_at,
    }),
  );

export const runPage = z.object({ total_count: z.int(), workflow_runs: z.array(run) });
export type RunPage = z.infer<typeof runPage>;

export const workflowJob = z
  .object({
    id,
    run_id: id,
    run_attempt: z.int().nullish(),
    name: words,
    status: words,
    conclusion: words.nullish(),
    labels: z.array(words),
    runner_id: id.nullish(),
    runner_name: text,
    created_at: optionalTime,
    started_at: optionalTime,
    completed_at: optionalTime,
  })
  .transform(
    (raw): WorkflowJob => ({
      id: raw.id,
      runId: raw.run_id,
      runAttempt: raw.run_attempt ?? 1,
      name: raw.name,
      status: raw.status,
      conclusion: raw.conclusion ?? null,
      labels: raw.labels,
      // A job cancelled before its pickup shows runner 0.
      runnerId: raw.runner_id === '0' ? null : (raw.runner_id ?? null),
      runnerName: raw.runner_name,
      createdAt: raw.created_at,
      startedAt: raw.started_at,
      completedAt: raw.completed_at,
    }),
  );

export const workflowJobPage = z.object({ total_count: z.int(), jobs: z.array(workflowJob) });
export type WorkflowJobPage = z.infer<typeof workflowJobPage>;

export const dispatchReply = z
  .object({ workflow_run_id: id, html_url: text })
  .transform((raw) => ({ runId: raw.workflow_run_id, runUrl: raw.html_url }));

export const account = z.object({ login: words, type: text });
