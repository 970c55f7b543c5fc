import type { Job as WireJob } from '@dispatchoor/api-contract';
import type { StringMap } from '../../domain/job.ts';
import type { ListedJob } from '../../store/port/jobs.ts';
import { forgeNumber } from './forge-number.ts';
import { timeOrNull, timeToWire } from './time-to-wire.ts';

/** As the predecessor's clients read it: which fields are null, "" or left out when there is nothing to say differs by field. */
export function jobToWire(job: ListedJob): WireJob {
  return {
    id: job.id,
    group_id: job.groupId,
    template_id: job.templateId ?? '',
    priority: job.priority,
    position: job.position,
    status: job.state,
    paused: job.isPaused,
    auto_requeue: job.autoRequeue,
    requeue_limit: job.requeueLimit,
    requeue_count: job.requeueCount,
    inputs: job.inputs === null ? null : { ...job.inputs },
    created_by: job.createdBy,
    triggered_at: timeOrNull(job.triggeredAt),
    run_id: runIdToWire(job),
    run_url: job.runUrl,
    runner_id: job.runnerId === null ? null : forgeNumber(job.runnerId),
    runner_name: job.runnerName,
    completed_at: timeOrNull(job.completedAt),
    error_message: job.errorMessage,
    created_at: timeToWire(job.createdAt),
    updated_at: timeToWire(job.updatedAt),
    ...overridesToWire(job),
  };
}

/** 0, not null, from the trigger until the run is known. */
function runIdToWire({ state, runId, triggeredAt }: ListedJob): number | null {
  if (state === 'pending') return null;
  if (runId !== null) return forgeNumber(runId);
  return triggeredAt === null ? null : 0;
}

/** Left out if never given; `""` if blanked. */
function overridesToWire(job: ListedJob): Partial<WireJob> {
  return {
    ...(job.name !== null && { name: job.name }),
    ...(job.owner !== null && { owner: job.owner }),
    ...(job.repo !== null && { repo: job.repo }),
    ...(job.workflowId !== null && { workflow_id: job.workflowId }),
    ...(job.ref !== null && { ref: job.ref }),
    ...(hasEntries(job.labels) && { labels: { ...job.labels } }),
  };
}

function hasEntries(map: StringMap | null): map is StringMap {
  return map !== null && Object.keys(map).length > 0;
}
