import { z } from 'zod';
import { Timestamp } from './primitives.ts';

export const Runner = z
  .object({
    /** The forge's id of the runner. */
    id: z.int(),
    name: z.string(),
    labels: z.array(z.string()),
    /** `online` or `offline`. */
    status: z.string(),
    busy: z.boolean(),
    os: z.string(),
    last_seen_at: Timestamp,
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .meta({ id: 'Runner' });
export type Runner = z.infer<typeof Runner>;
