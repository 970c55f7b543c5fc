import type { Job } from '@dispatchoor/api-contract';
import type { Clock } from '@dispatchoor/testbed';
import { ServerAway, type ServerClient } from '@dispatchoor/testbed';
import type { JobBook } from './job-book.ts';
import type { PlannedJob } from './plan.ts';

const AGAIN_AFTER_MS = 200;

export interface EnqueueOptions {
  readonly api: ServerClient;
  readonly book: JobBook;
  /** Without end. */
  readonly plan: Iterator<PlannedJob, never>;
  /** Unique to this demo, so that its Idempotency-Keys are. */
  readonly keyPrefix: string;
  /** How many in all. */
  readonly limit: number;
  /** Adds no more while so many are pending. */
  readonly backlog: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Keeps a backlog of pending jobs until the limit is reached. */
export async function keepBacklog(options: EnqueueOptions): Promise<void> {
  const { book, plan, limit, backlog, clock, signal } = options;
  while (!signal.aborted && book.accepted < limit) {
    if (book.pending >= backlog) {
      await clock.sleep(AGAIN_AFTER_MS, signal);
      continue;
    }
    const planned = plan.next().value;
    const job = await addUntilAccepted(options, planned);
    if (job !== undefined) book.accept(planned, job, clock.now());
  }
}

/**
 * A server that dies before its reply may or may not have kept the job. The same Idempotency-Key makes asking
 * again harmless, so it is asked until it says 201.
 *
 * @returns undefined when the demo ends first
 */
async function addUntilAccepted(
  { api, keyPrefix, clock, signal }: EnqueueOptions,
  planned: PlannedJob,
): Promise<Job | undefined> {
  while (!signal.aborted) {
    try {
      const { key, group, request } = planned;
      return await api.addJob(group.id, request, `${keyPrefix}-${key}`);
    } catch (error) {
      if (!(error instanceof ServerAway)) throw error;
      await clock.sleep(AGAIN_AFTER_MS, signal);
    }
  }
  return undefined;
}
