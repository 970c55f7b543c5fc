import type { Job } from '@dispatchoor/api-contract';

/** What may have happened beyond what must: nothing by default. */
export interface Allowed {
  /** Jobs that were cancelled by hand, and so have to be: however their runs have ended. */
  readonly cancelled?: readonly Job[];
  /** At most so many jobs failed because no run was found for them, twice: no more than deaths and lost requests. */
  readonly notFound?: number;
  /** At most so many jobs failed because the forge refused them. */
  readonly refused?: number;
  /** Runs that turned up when their dispatch had been given up. `any`: they may even have run, beside the next one. */
  readonly lateRuns?: 'none' | 'cancelled' | 'any';
  /** At most so many jobs failed because a run may be theirs or somebody else's: it is theirs, or there is none. */
  readonly ambiguous?: number;
  /** Requests to the forge within any minute; default: not judged. */
  readonly forgeCallsPerMinute?: number;
}
