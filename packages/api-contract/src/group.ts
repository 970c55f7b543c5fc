import { z } from 'zod';
import { StringMap, Timestamp } from './primitives.ts';

export const Group = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    runner_labels: z.array(z.string()),
    /** False once the group has left the config: it is shown, and dispatches nothing. */
    enabled: z.boolean(),
    paused: z.boolean(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .meta({ id: 'Group' });
export type Group = z.infer<typeof Group>;

export const GroupWithStats = Group.extend({
  /** Pending, paused ones included. */
  queued_jobs: z.int(),
  /** Triggered and running. */
  running_jobs: z.int(),
  /** Online and not busy. */
  idle_runners: z.int(),
  /** Busy, even if offline. */
  busy_runners: z.int(),
  total_runners: z.int(),
  /** Includes templates that left the config. */
  template_count: z.int(),
}).meta({ id: 'GroupWithStats' });
export type GroupWithStats = z.infer<typeof GroupWithStats>;

export const JobTemplate = z
  .object({
    id: z.string(),
    group_id: z.string(),
    name: z.string(),
    owner: z.string(),
    repo: z.string(),
    workflow_id: z.string(),
    ref: z.string(),
    default_inputs: StringMap.nullable(),
    labels: StringMap.nullable(),
    in_config: z.boolean(),
    /** `inline`, `file` or `url`. */
    source_type: z.string(),
    /** The file as the config writes it, or the URL; `""` for inline. */
    source_path: z.string(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .meta({ id: 'JobTemplate' });
export type JobTemplate = z.infer<typeof JobTemplate>;

/** How many pending jobs had something to take. */
export const TakenTemplate = z.object({ jobs: z.int() }).meta({ id: 'TakenTemplate' });
export type TakenTemplate = z.infer<typeof TakenTemplate>;
