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
    const delivered = parsed.workflow_run;
    const at = latestMoment(delivered.updatedAt, receipt);
    return { kind: 'run', ...placeOf(parsed), run: believedRun(delivered, receipt), at };
  },
  workflow_job: (payload, receipt) => {
    const parsed = jobPayload.parse(payload);
    const delivered = parsed.workflow_job;
    const at = latestMoment(stampOf(delivered) ?? receipt.at, receipt);
    return { kind: 'workflow-job', ...placeOf(parsed), job: believedJob(delivered, receipt), at };
  },
  ping: (payload) => {
    pingPayload.parse(payload);
    return { kind: 'ping' };
  },
};

function placeOf({ repository: { owner, name } }: { repository: z.infer<typeof repository> }) {
  return { owner: owner.login, repo: name };
}

function believedRun(delivered: Run, receipt: Receipt): Run {
  return {
    ...delivered,
    createdAt: believedStamp(delivered.createdAt, receipt),
    startedAt: believed(delivered.startedAt, receipt),
    updatedAt: believedStamp(delivered.updatedAt, receipt),
  };
}

function believedJob(delivered: WorkflowJob, receipt: Receipt): WorkflowJob {
  return {
    ...delivered,
    createdAt: believed(delivered.createdAt, receipt),
    startedAt: believed(delivered.startedAt, receipt),
    completedAt: believed(delivered.completedAt, receipt),
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
