import type { Attempt, WorkflowJob } from '../attempt.ts';
import type { GroupPlan } from '../dispatch-state.ts';
import type { Doubt } from '../doubt.ts';
import type { Group } from '../group.ts';
import type { DispatchTarget, Job } from '../job.ts';
import type { BlockKind } from '../target-block.ts';
import type { TemplateChange } from '../template-change.ts';

/** Open-ended for clients: what they do not know they show by its message. */
export type WaitCode =
  | 'job-paused'
  | 'group-disabled'
  | 'group-paused'
  | 'dispatch-disabled'
  | 'no-access'
  | 'repository-archived'
  | 'workflow-disabled'
  | 'template-broken'
  | 'forge-unavailable'
  | 'no-runner-matches'
  | 'all-offline'
  | 'stale-runners'
  | 'backoff'
  | 'rate-limited'
  | 'cap'
  | 'all-busy'
  | 'held'
  | 'outcome-pending'
  | 'placing'
  | 'run-waiting'
  | 'not-picked-up'
  | 'displaced'
  | (string & {});

/** Why a job waits. Times are epoch milliseconds. */
export interface WhyWaiting {
  readonly code: WaitCode;
  /** One sentence for people: what is the matter, and what to do about it. */
  readonly message: string;
  readonly since: number;
  /** Jobs that will be sent before it. */
  readonly ahead: number;
  /** Free runners that fit this job, and runners that fit in whatever state, by the group's last plan. */
  readonly free: number;
  readonly fitting: number;
  /** Ids of jobs that take the runners it could use; not all are named. */
  readonly heldBy: readonly string[];
  /** When it will be tried again, if that is known. */
  readonly retryAt: number | null;
  readonly labelsMissing: readonly string[];
  /** It keeps what its template said when it was queued. */
  readonly templateChange: TemplateChange | undefined;
}

export interface ScopeListing {
  readonly scope: string;
  /** No listing yet: nothing is known of its runners. */
  readonly isListed: boolean;
  /** Why the last listing failed; `''`: it did not. */
  readonly error: string;
}

export interface WaitInput {
  readonly job: Pick<
    Job,
    'id' | 'state' | 'isPaused' | 'notBefore' | 'createdAt' | 'triggeredAt' | 'errorMessage'
  >;
  readonly target: DispatchTarget;
  readonly templateChange: TemplateChange | undefined;
  /** The job's attempt, if it is triggered. */
  readonly attempt: Attempt | undefined;
  /** Of the attempt's run, as far as they are known. */
  readonly workflowJobs: readonly WorkflowJob[];
  readonly group: Pick<Group, 'name' | 'isEnabled' | 'isPaused' | 'runnerLabels' | 'labelCase'>;
  /** `undefined`: the group has not been planned yet. */
  readonly plan: GroupPlan | undefined;
  /** Nothing but a probe is sent to the job's workflow or repository. */
  readonly block:
    | {
        readonly kind: BlockKind;
        readonly message: string;
        readonly nextProbeAt: number;
        readonly since: number;
      }
    | undefined;
  /** Its run could be taken for that of this sending, whose run is not known yet. */
  readonly doubt: Doubt | undefined;
  /** The credential that dispatches for the job. */
  readonly credential: {
    readonly configKey: string;
    readonly isConfigured: boolean;
    readonly isConnected: boolean;
    readonly blockedUntil: number | null;
    readonly error: string;
  };
  /** How listing runners goes, scope by scope. */
  readonly listings: readonly ScopeListing[];
  readonly isDispatcherEnabled: boolean;
  readonly ahead: number;
  readonly pickupTimeoutMs: number;
  readonly now: number;
}

export interface Cause {
  readonly code: WaitCode;
  readonly message: string;
  readonly retryAt?: number | null;
  /** When it began, where that is known better than "since the job waits". */
  readonly since?: number;
  /** Where it is not the group's labels that are missing. */
  readonly labelsMissing?: readonly string[];
}
