import { z } from 'zod';
import { latestMoment, type WebhookObservation } from '../../domain/webhook.ts';
import { run, workflowJob } from './schema.ts';

/** The payloads we read, cut down to the fields we read. */

const repository = z.object({ name: z.string(), owner: z.object({ login: z.string() }) });

const runPayload = z.object({ workflow_run: run, repository });
const jobPayload = z.object({ workflow_job: workflowJob, repository });
const pingPayload = z.object({ zen: z.string().nullish() });

/** @param receivedAt on the forge's clock */
type Read = (payload: unknown, receivedAt: number) => WebhookObservation;

/** @throws ZodError */
export const READERS: Readonly<Partial<Record<string, Read>>> = {
  workflow_run: (payload, receivedAt) => {
    const parsed = runPayload.parse(payload);
    const at = latestMoment(parsed.workflow_run.updatedAt, receivedAt);
    return { kind: 'run', ...placeOf(parsed), run: parsed.workflow_run, at };
  },
  workflow_job: (payload, receivedAt) => {
    const parsed = jobPayload.parse(payload);
    const job = parsed.workflow_job;
    const stamp = stampOf(job) ?? receivedAt;
    return { kind: 'workflow-job', ...placeOf(parsed), job, at: latestMoment(stamp, receivedAt) };
  },
  ping: (payload) => {
    pingPayload.parse(payload);
    return { kind: 'ping' };
  },
};

function placeOf({ repository: { owner, name } }: { repository: z.infer<typeof repository> }) {
  return { owner: owner.login, repo: name };
}

/** The stamp of what the delivery tells; a queued workflow job shows a start time too, which is none. */
function stampOf(job: z.infer<typeof workflowJob>): number | null {
  if (job.status === 'completed') return job.completedAt;
  return job.status === 'in_progress' ? job.startedAt : job.createdAt;
}
