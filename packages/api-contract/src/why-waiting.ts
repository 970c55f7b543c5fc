import { z } from 'zod';
import { StringMap, Timestamp } from './primitives.ts';

const DispatchTarget = z.object({
  owner: z.string(),
  repo: z.string(),
  workflow_id: z.string(),
  ref: z.string(),
});

export const WhyWaiting = z
  .object({
    /** Why the job waits; null when it does not wait. Open-ended: show `message` for a code you do not know. */
    code: z.string().nullable(),
    /** For people; `""` when it does not wait. */
    message: z.string(),
    since: Timestamp.nullable(),
    /** Jobs that will be sent before it. */
    ahead: z.int(),
    /** Runners that fit and are free. */
    free: z.int(),
    /** Runners that fit, in whatever state. */
    fitting: z.int(),
    /** Ids of jobs that take the runners it could use; not all are named. */
    held_by: z.array(z.string()),
    /** When it will be tried again, if that is known. */
    retry_at: Timestamp.nullable(),
    /** Labels that no runner offers. */
    labels_missing: z.array(z.string()),
    /** Its template has changed since it was queued, and it keeps what it was queued with. Null: no difference to it. */
    template_change: z
      .object({
        queued: DispatchTarget,
        now: DispatchTarget,
        /** The job's inputs once it has taken the template as it is now. */
        inputs: StringMap,
      })
      .nullable(),
    /** What an admin may do about it: `take-template` is `POST /jobs/{id}/take-template`. Open-ended. */
    actions: z.array(z.string()),
  })
  .meta({ id: 'WhyWaiting' });
export type WhyWaiting = z.infer<typeof WhyWaiting>;
