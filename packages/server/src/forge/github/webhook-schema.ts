import { z } from 'zod';
import type { Run, WorkflowJob } from '../../domain/attempt.ts';
import {
  believedStamp,
  latestMoment,
  type Receipt,
  type WebhookObservation,
} from '../../domain/webhook.ts';
import { run, words, workflowJob } from './schema.ts';

/** The payloads we read, cut down to the fields we read. */

const repository = z.object({ name: words, owner: z.object({ login: words }) });

const runPayload = z.object({ workflow_run: run, repository });
const jobPayload = z.object({ workflow_job: workflowJob, repository });
const pingPayload = z.object({ zen: z.string().nullish() });

type Read = (payload: unknown, receipt: Receipt) => WebhookObservation;

/** @throws ZodError */
export const READERS: Readonly<Partial<Record<string, Read>>> = {
  workflow_run: (payload, receipt) => {
    const parsed = runPayload.parse(payload);
    const told = parsed.workflow_run;
    const at = latestMoment(told.updatedAt, receipt);
    return { kind: 'run', ...placeOf(parsed), run: believedRun(told, receipt), at };
  },
  workflow_job: (payload, receipt) => {
    const parsed = jobPayload.parse(payload);
    const told = parsed.workflow_job;
    const at = latestMoment(stampOf(told) ?? receipt.at, receipt);
    return { kind: 'workflow-job', ...placeOf(parsed), job: believedJob(told, receipt), at };
  },
  ping: (payload) => {
    pingPayload.parse(payload);
    return { kind: 'ping' };
  },
};

function placeOf({ repository: { owner, name } }: { repository: z.infer<typeof repository> }) {
  return { owner: owner.login, repo: name };
}

function believedRun(told: Run, receipt: Receipt): Run {
  return {
    ...told,
    createdAt: believedStamp(told.createdAt, receipt),
    startedAt: believed(told.startedAt, receipt),
    updatedAt: believedStamp(told.updatedAt, receipt),
  };
}

function believedJob(told: WorkflowJob, receipt: Receipt): WorkflowJob {
  return {
    ...told,
    createdAt: believed(told.createdAt, receipt),
    startedAt: believed(told.startedAt, receipt),
    completedAt: believed(told.completedAt, receipt),
  };
}

function believed(stampMs: number | null, receipt: Receipt): number | null {
  return stampMs === null ? null : believedStamp(stampMs, receipt);
}

/** The stamp of what the delivery tells; a queued workflow job shows a start time too, which is none. */
function stampOf(job: WorkflowJob): number | null {
  if (job.status === 'completed') return job.completedAt;
  return job.status === 'in_progress' ? job.startedAt : job.createdAt;
}
