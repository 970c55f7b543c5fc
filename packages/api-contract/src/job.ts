import { z } from 'zod';
import { StringMap, Timestamp, text, textMap } from './primitives.ts';

export const JobStatus = z.enum([
  'pending',
  'triggered',
  'running',
  'completed',
  'failed',
  'cancelled',
]);
export type JobStatus = z.infer<typeof JobStatus>;

export const Job = z
  .object({
    id: z.string(),
    group_id: z.string(),
    /** `""` for a manual job. */
    template_id: z.string(),
    /** −100…100; higher goes first. */
    priority: z.int(),
    /** While pending: the place in line, 0 is next. Afterwards: the job's number in its group. */
    position: z.int(),
    status: JobStatus,
    paused: z.boolean(),
    auto_requeue: z.boolean(),
    /** Null: no limit. */
    requeue_limit: z.int().nullable(),
    requeue_count: z.int(),
    inputs: StringMap.nullable(),
    created_by: z.string(),
    triggered_at: Timestamp.nullable(),
    /** Null before it was triggered; 0 while its run is not known yet. */
    run_id: z.int().nullable(),
    run_url: z.string(),
    runner_id: z.int().nullable(),
    runner_name: z.string(),
    completed_at: Timestamp.nullable(),
    error_message: z.string(),
    created_at: Timestamp,
    updated_at: Timestamp,
    /** What was overridden; `""` if blanked, left out if never given. */
    name: z.string().optional(),
    owner: z.string().optional(),
    repo: z.string().optional(),
    workflow_id: z.string().optional(),
    ref: z.string().optional(),
    /** Left out when empty. */
    labels: StringMap.optional(),
  })
  .meta({ id: 'Job' });
export type Job = z.infer<typeof Job>;

/** What GitHub takes, counted before a job waits for a dispatch that would be refused. */
export const MAX_INPUTS = 25;
export const MAX_INPUT_CHARACTERS = 65_535;
export const MAX_LABELS = 100;

const Name = text(255);

export const AddJobRequest = z
  .object({
    /** Left out or `""`: a manual job, which needs owner, repo, workflow_id and ref. */
    template_id: Name.optional(),
    /** Laid over the template's default inputs. */
    inputs: textMap(255, MAX_INPUT_CHARACTERS).optional(),
    /** −100…100; higher goes first. */
    priority: z.int().min(-100).max(100).default(0),
    auto_requeue: z.boolean().default(false),
    /** How often it may be requeued; null: without limit. */
    requeue_limit: z.int().min(0).max(1_000_000_000).nullable().default(null),
    name: Name.optional(),
    owner: Name.optional(),
    repo: Name.optional(),
    workflow_id: Name.optional(),
    ref: Name.optional(),
    labels: textMap(255, 1024)
      .refine((labels) => Object.keys(labels).length <= MAX_LABELS, {
        message: `must be at most ${MAX_LABELS} labels`,
      })
      .optional(),
  })
  .meta({ id: 'AddJobRequest' });
export type AddJobRequest = z.infer<typeof AddJobRequest>;

export const HistoryPage = z
  .object({
    jobs: z.array(Job),
    has_more: z.boolean(),
    /** Pass it as `before`. Present whenever `jobs` is not empty. */
    next_cursor: z.string().optional(),
    /** Of the filter, whatever `before` says. */
    total_count: z.int(),
  })
  .meta({ id: 'HistoryPage' });
export type HistoryPage = z.infer<typeof HistoryPage>;
