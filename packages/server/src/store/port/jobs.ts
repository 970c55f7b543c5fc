/** Jobs: what people do with them. */
import type { Attempt, WorkflowJob } from '../../domain/attempt.ts';
import type { GroupPlan } from '../../domain/dispatch-state.ts';
import type { Doubt } from '../../domain/doubt.ts';
import type { Group } from '../../domain/group.ts';
import type {
  DispatchTarget,
  EndedState,
  Job,
  JobOverrides,
  JobState,
  StringMap,
} from '../../domain/job.ts';
import type { TemplateChange } from '../../domain/template-change.ts';
import type { ScopeListing } from '../../domain/why-waiting/input.ts';
import type { TargetBlock } from './dispatch.ts';

/** A write that lost: the row was not as believed. `not-found`: there is no such row. */
export type Lost = {
  readonly ok: false;
  readonly reason: 'not-found' | 'wrong-state';
  readonly state?: JobState;
};
export type Won<T> = { readonly ok: true; readonly value: T };
export type Outcome<T> = Won<T> | Lost;

export interface NewJob extends JobOverrides {
  readonly groupId: string;
  readonly templateId: string | null;
  /** Laid over the template's defaults by the store; as given for a manual job. */
  readonly inputs: StringMap | null;
  readonly priority: number;
  readonly autoRequeue: boolean;
  readonly requeueLimit: number | null;
  readonly createdBy: string;
}

export interface IdempotencyKey {
  readonly username: string;
  readonly key: string;
  /** Hash of the request body: the same key with another body is refused (`key-reused`). */
  readonly bodyHash: string;
}

/** A job as lists show it: `position` is its place in line while pending (0 = next), else its number. */
export interface ListedJob extends Job {
  readonly position: number;
}

export interface QueuePage {
  /** Active first by `triggeredAt`, then pending in dispatch order. */
  readonly jobs: readonly ListedJob[];
  readonly nextCursor: string | null;
}

export interface HistoryQuery {
  readonly limit: number;
  /** Our own cursor, or the predecessor's: an RFC 3339 time. */
  readonly before: string | null;
  readonly states: readonly EndedState[];
  /** Compared with the current labels of the job's template; all must match. */
  readonly labels: StringMap;
}

export interface HistoryPage {
  readonly jobs: readonly ListedJob[];
  readonly hasMore: boolean;
  /** Set whenever `jobs` is not empty. */
  readonly nextCursor: string | null;
  readonly totalCount: number;
}

export interface QueueCounts {
  readonly groupId: string;
  readonly pending: number;
  readonly triggered: number;
  readonly running: number;
}

/** What `whyWaiting` needs beside the job. */
export interface WaitFacts {
  readonly job: Job;
  readonly target: DispatchTarget;
  readonly group: Group;
  readonly attempt: Attempt | undefined;
  readonly plan: GroupPlan | undefined;
  readonly block: TargetBlock | undefined;
  /** Its run could be taken for that of this sending, whose run is not known yet. */
  readonly doubt: Doubt | undefined;
  /** Jobs that will be sent before it. */
  readonly ahead: number;
  readonly workflowJobs: readonly WorkflowJob[];
  /** What its template says by now, where that makes a difference to the pending job. */
  readonly templateChange: TemplateChange | undefined;
  /** All scopes of its forge. */
  readonly listings: readonly ScopeListing[];
}

export interface JobStore {
  /** Throws `unknown-group`, `unknown-template` (also one of another group), `key-reused`. A known key answers the job it made then. */
  enqueue(
    job: NewJob,
    key: IdempotencyKey | undefined,
  ): Promise<{ job: ListedJob; isReplay: boolean }>;
  findJob(id: string): Promise<ListedJob | undefined>;
  /** Those that exist, in no order. */
  findJobs(ids: readonly string[]): Promise<ListedJob[]>;
  /** Without a limit: the whole queue. */
  listQueue(groupId: string, page: { limit?: number; cursor?: string }): Promise<QueuePage>;
  listHistory(groupId: string, query: HistoryQuery): Promise<HistoryPage>;
  /** Pending only; repeatable. */
  setPaused(id: string, isPaused: boolean, actor: string): Promise<Outcome<ListedJob>>;
  /** Pending or failed only. */
  deleteJob(id: string, actor: string): Promise<Outcome<null>>;
  /** Triggered or running only: the job ends (with its requeue) and its attempt's cancel is wanted, in one transaction. */
  cancelJob(id: string, actor: string): Promise<Outcome<ListedJob>>;
  /**
   * Pending only; repeatable. The job takes its template as it is now: where it goes, unless it says so itself, and the
   * default inputs under those that somebody gave. A job without a change to take is left as it is.
   */
  takeTemplate(id: string, actor: string): Promise<Outcome<ListedJob>>;
  /** All pending jobs of the template do so. @returns how many had something to take */
  takeTemplateByAll(templateId: string, actor: string): Promise<number>;
  /** Of each group, also of those without a job. */
  countQueue(): Promise<QueueCounts[]>;
  /** All that "why does it wait" needs, from one moment. */
  findWaitFacts(id: string): Promise<WaitFacts | undefined>;
}
