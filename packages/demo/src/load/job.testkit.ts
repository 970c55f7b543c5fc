import type { Job } from '@dispatchoor/api-contract';
import { demoGroups } from '../site/setting.ts';
import type { PlannedJob } from './plan.ts';

const AT = '2026-01-01T12:00:00.000Z';

/** A pending job of the demo, as the API shows it. */
export function aJob(id: string, more: Partial<Job> = {}): Job {
  return {
    ...{ id, group_id: 'sync-mainnet', template_id: 't', priority: 0, position: 0 },
    ...{ status: 'pending', paused: false },
    ...{ auto_requeue: false, requeue_limit: null, requeue_count: 0 },
    inputs: { 'demo-job': 'job-001', 'el-client': 'geth', 'cl-client': 'prysm' },
    ...{ created_by: 'demo', triggered_at: null, run_id: null, run_url: '' },
    ...{ runner_id: null, runner_name: '', completed_at: null, error_message: '' },
    ...{ created_at: AT, updated_at: AT },
    ...more,
  };
}

export function aPlannedJob(key: string): PlannedJob {
  const group = demoGroups[0];
  if (group === undefined) throw new Error('no group');
  const request = { template_id: 't', inputs: {}, priority: 0 };
  return { key, group, durationMs: 1_000, priority: 0, request };
}
