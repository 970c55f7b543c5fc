/** What goes over `GET /api/v1/ws`: one JSON message in each text frame. */
import { z } from 'zod';
import { Job } from './job.ts';
import { Timestamp } from './primitives.ts';
import { Runner } from './runner.ts';

const GroupId = z.string().min(1);

/** At most 512 bytes; what is none of these is ignored. */
export const ClientMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('subscribe'), group_id: GroupId }),
  z.object({ type: z.literal('unsubscribe'), group_id: GroupId }),
  z.object({ type: z.literal('ping') }),
]);
export type ClientMessage = z.infer<typeof ClientMessage>;

export const ServerMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('subscribed'), group_id: GroupId }),
  z.object({ type: z.literal('unsubscribed'), group_id: GroupId }),
  /** The answer to a ping. */
  z.object({
    type: z.literal('system_status'),
    payload: z.object({ status: z.literal('ok'), timestamp: Timestamp }),
  }),
  /** A job of the group as it is now, after one change or several. */
  z.object({ type: z.literal('job_state'), group_id: GroupId, payload: Job }),
  /** A runner whose labels fit the group as it is now; one that is gone comes a last time, as offline. */
  z.object({ type: z.literal('runner_status'), group_id: GroupId, payload: Runner }),
  /** Something changed that no single job shows: a job deleted, the order, the group itself. Read again. */
  z.object({ type: z.literal('queue_update'), group_id: GroupId, payload: z.tuple([]) }),
  /** For people. */
  z.object({ type: z.literal('error'), payload: z.string() }),
]);
export type ServerMessage = z.infer<typeof ServerMessage>;
