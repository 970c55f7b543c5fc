/** What the dispatch planner is given: rows, counts and `now`. Loaded by the store in one consistent read. */
import type { Doubt } from './doubt.ts';

import type { LabelCase } from './runner.ts';

/** Free runners of one scope and one canonical label set, counted. */
export interface RunnerClass {
  readonly scope: string;
  readonly labels: readonly string[];
  /** Online, not busy, seen by a listing that is fresh (see `isFresh`). */
  readonly free: number;
  readonly online: number;
  readonly total: number;
  /** A listing of its scope is younger than 3 poll intervals; without one its runners are not free. */
  readonly isFresh: boolean;
}

/** A job that could be claimed now: pending, not paused, its backoff over, its target not blocked. */
export interface PendingJob {
  readonly id: string;
  readonly priority: number;
  readonly rank: number;
  readonly createdAt: number;
  readonly owner: string;
  readonly repo: string;
  readonly workflowId: string;
  readonly ref: string;
  /** Runners one run of it takes (its template's `runners`). */
  readonly runners: number;
  /** The credential's dispatch allowance it draws on. */
  readonly credentialId: string;
  /** Its run will be known by the attempt's id in its name. */
  readonly isNamed: boolean;
  /** Of its inputs; only compared where a run is known by its time. */
  readonly inputsHash: string;
  /** What went where it goes has failed each time, and this would be a probe: it takes a runner only where no other job wants it. */
  readonly isYielding: boolean;
}

export interface GroupDemand {
  readonly id: string;
  readonly name: string;
  readonly labels: readonly string[];
  /** Only classes of these scopes; `null`: whichever covers the job. */
  readonly scopes: readonly string[] | null;
  readonly isEnabled: boolean;
  readonly isPaused: boolean;
  readonly maxParallel: number | null;
  /** Live attempts of the group. */
  readonly live: number;
  /** The first claimable jobs in order (priority desc, rank, id); empty where the group may not send. */
  readonly head: readonly PendingJob[];
  /** All pending jobs, also those that may not be claimed now. */
  readonly pendingCount: number;
}

/** A live attempt without a runner keeps `count` free runners with these labels away from others. */
export interface Hold {
  readonly attemptId: string;
  readonly jobId: string;
  readonly groupId: string;
  readonly labels: readonly string[];
  readonly owner: string;
  readonly repo: string;
  readonly count: number;
}

/** How many dispatches a credential may still start now, and why no more. */
export interface CredentialAllowance {
  readonly credentialId: string;
  /** `null`: no ceiling. */
  readonly left: number | null;
  readonly reason: 'rate-limited' | 'forge-unavailable' | null;
  readonly message: string;
  readonly retryAt: number | null;
}

export interface DispatchState {
  readonly now: number;
  /** How the forge compares the labels of groups, holds and runners. */
  readonly labelCase: LabelCase;
  readonly groups: readonly GroupDemand[];
  readonly classes: readonly RunnerClass[];
  readonly holds: readonly Hold[];
  readonly doubts: readonly Doubt[];
  readonly allowances: readonly CredentialAllowance[];
}

export interface PlannedSend {
  readonly jobId: string;
  readonly groupId: string;
  /** Free runners that fit it, before anything was placed: with fewer it is sent earlier. */
  readonly choices: number;
}

/** Runners of one scope that have all labels of a group. */
export interface ScopeCounts {
  readonly scope: string;
  readonly free: number;
  /** Of `free`, those that the plan leaves to nobody. */
  readonly left: number;
  readonly online: number;
  readonly total: number;
  readonly isFresh: boolean;
}

/**
 * What the last plan says of one group: stored, so that "why does this job wait" is answered by any replica
 * without planning again.
 */
export interface GroupPlan {
  readonly groupId: string;
  readonly plannedAt: number;
  /** Free runners that fit, before holds and other groups took theirs. */
  readonly free: number;
  /** Runners that fit in whatever state. */
  readonly fitting: number;
  /** Of `fitting`, those online. */
  readonly online: number;
  /** Fitting runners exist, but no fresh listing vouches for them. */
  readonly isStale: boolean;
  /** Labels of the group that no runner has at all, or that no single runner has together with the rest. */
  readonly labelsMissing: readonly string[];
  /** The same per scope, so that each job is told of the runners that serve its own repository. */
  readonly scopes: readonly ScopeCounts[];
  /** Jobs (by id) whose attempts or sends take the free runners this group could use; at most 10 are named. */
  readonly heldBy: readonly string[];
  /**
   * What stops the group's next job: `null` when all of its claimable jobs are sent. Also `runners` where jobs
   * wait beyond the head and the plan leaves no runner for them.
   */
  readonly limit:
    | 'runners'
    | 'cap'
    | 'rate-limited'
    | 'forge-unavailable'
    | 'outcome-pending'
    | null;
  readonly limitMessage: string;
  readonly retryAt: number | null;
  /** Jobs of the group this plan sends. */
  readonly sends: number;
}

export interface DispatchPlan {
  /** Most constrained first: the order to claim and send in. */
  readonly sends: readonly PlannedSend[];
  readonly groups: readonly GroupPlan[];
  /** Some job waits for the outcome of another: it may go as soon as that is known. */
  readonly awaitsOutcome: boolean;
  /** Edges looked at while swapping; bounded by groups × classes per search, counted by a test. */
  readonly steps: number;
}
