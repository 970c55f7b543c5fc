import type { GroupWithStats, JobTemplate, Group as WireGroup } from '@dispatchoor/api-contract';
import type { Group, Template } from '../../domain/group.ts';
import type { GroupStats } from '../../store/port/catalog.ts';
import { timeToWire } from './time-to-wire.ts';

export function groupToWire(group: Group): WireGroup {
  return {
    id: group.id,
    name: group.name,
    description: group.description,
    runner_labels: [...group.runnerLabels],
    enabled: group.isEnabled,
    paused: group.isPaused,
    created_at: timeToWire(group.createdAt),
    updated_at: timeToWire(group.updatedAt),
  };
}

export function groupWithStatsToWire(group: Group & GroupStats): GroupWithStats {
  return {
    ...groupToWire(group),
    queued_jobs: group.queuedJobs,
    running_jobs: group.runningJobs,
    idle_runners: group.idleRunners,
    busy_runners: group.busyRunners,
    total_runners: group.totalRunners,
    template_count: group.templateCount,
  };
}

export function templateToWire(template: Template): JobTemplate {
  return {
    id: template.id,
    group_id: template.groupId,
    name: template.name,
    owner: template.owner,
    repo: template.repo,
    workflow_id: template.workflowId,
    ref: template.ref,
    default_inputs: template.defaultInputs === null ? null : { ...template.defaultInputs },
    labels: template.labels === null ? null : { ...template.labels },
    in_config: template.inConfig,
    source_type: template.sourceType,
    source_path: template.sourcePath,
    created_at: timeToWire(template.createdAt),
    updated_at: timeToWire(template.updatedAt),
  };
}
