import { z } from 'zod';

export const ErrorBody = z
  .object({
    /** For people: what is wrong, and what to do. */
    error: z.string(),
    /** For programs. Open-ended. */
    code: z.string().optional(),
    /** With status 500: what to look for in the log. */
    request_id: z.string().optional(),
  })
  .meta({ id: 'Error' });
export type ErrorBody = z.infer<typeof ErrorBody>;
