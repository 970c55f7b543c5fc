import { z } from 'zod';
import { Timestamp } from './primitives.ts';

export const Health = z
  .object({
    status: z.literal('ok'),
    config: z.object({ auth: z.object({ basic: z.boolean(), github: z.boolean() }) }),
  })
  .meta({ id: 'Health' });
export type Health = z.infer<typeof Health>;

export const Readiness = z
  .object({
    status: z.enum(['ready', 'not-ready']),
    /** Empty when ready. */
    reasons: z.array(z.string()),
  })
  .meta({ id: 'Readiness' });
export type Readiness = z.infer<typeof Readiness>;

const ComponentStatus = z.enum(['healthy', 'degraded', 'unhealthy']);

export const ForgeClientStatus = z
  .object({
    status: ComponentStatus,
    connected: z.boolean(),
    /** What is wrong; left out when nothing is. */
    error: z.string().optional(),
    /** Requests left in the current window; 0 when the forge has not said. */
    rate_limit_remaining: z.int(),
    rate_limit_reset: Timestamp.optional(),
    /** Go duration in whole seconds, `0s` at least. */
    reset_in: z.string().optional(),
  })
  .meta({ id: 'ForgeClientStatus' });
export type ForgeClientStatus = z.infer<typeof ForgeClientStatus>;

export const Status = z
  .object({
    /** Never `unhealthy`: a part that is unhealthy makes the whole `degraded`. */
    status: ComponentStatus,
    timestamp: Timestamp,
    database: z.object({
      status: ComponentStatus,
      /** Round trip as a Go duration. */
      latency: z.string().optional(),
      error: z.string().optional(),
    }),
    github: z.object({
      runners: ForgeClientStatus.optional(),
      dispatch: ForgeClientStatus.optional(),
    }),
    queue: z.object({
      pending_jobs: z.int(),
      triggered_jobs: z.int(),
      running_jobs: z.int(),
    }),
    version: z.object({ version: z.string(), git_commit: z.string(), build_date: z.string() }),
  })
  .meta({ id: 'Status' });
export type Status = z.infer<typeof Status>;
