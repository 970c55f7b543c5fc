/** Dispatch: what a plan is made of, claims, and what came of sending them. */
import type { Attempt } from '../../domain/attempt.ts';
import type { DispatchState, GroupPlan } from '../../domain/dispatch-state.ts';
import type { StringMap, WorkflowTarget } from '../../domain/job.ts';
import type { LabelCase } from '../../domain/runner.ts';
import type { BlockKind, TargetPauses, TargetVerdict } from '../../domain/target-block.ts';
import type { Fence } from './leases.ts';

/** A repository or workflow that nothing is sent to but one probe at a time. */
export interface TargetBlock {
  readonly kind: BlockKind;
  readonly message: string;
  readonly since: number;
  readonly nextProbeAt: number;
}

export interface CredentialOfForge {
  readonly credentialId: string;
  readonly budgetId: string;
  readonly actor: string;
}

export interface DispatchQuery {
  readonly forgeId: string;
  /** The forge's. */
  readonly labelCase: LabelCase;
  /** Who would send: recorded on the claim, and named in each pending job. */
  readonly credential: CredentialOfForge;
  /** Runners of scopes without a listing this young are not free. */
  readonly freshForMs: number;
  readonly pickupTimeoutMs: number;
  /** As `pickupTimeoutMs`, of a sending that may have started nothing. */
  readonly lostPickupMs: number;
  /** When the forge last started something for us; `null`: not known. */
  readonly acceptedAt: number | null;
  /** Forge clock minus ours. */
  readonly offsetMs: number;
  /** How long after its send deadline it cannot be ruled out that a run is an attempt's own. */
  readonly runMayBeMadeWithinMs: number;
}

/** Loaded in one consistent read. `allowances` is filled in by the loop, which knows the forge. */
export type LoadedDispatchState = Omit<DispatchState, 'allowances'> & {
  /** First claimable jobs that can never be sent: owner, repo, workflow or ref is missing. */
  readonly undispatchable: readonly { jobId: string; missing: readonly string[] }[];
  /** Attempts whose hold has ended by this read but is not recorded yet. */
  readonly endedHolds: readonly string[];
  /** Attempts whose runner another job took, not recorded so yet. */
  readonly displaced: readonly string[];
  /** The next moment at which something becomes claimable by time alone (backoff, probe). */
  readonly nextDueAt: number | null;
};

export interface ClaimRequest {
  readonly jobId: string;
  /** A fresh id: what is given back if the claim's commit outcome is unknown. */
  readonly attemptId: string;
  readonly credential: CredentialOfForge;
  readonly sendDeadlineMs: number;
  /** Forge clock minus ours, now, and how far off that may be. */
  readonly offsetMs: number;
  readonly uncertaintyMs: number;
  /** How long after its send deadline it cannot be ruled out that a run is an attempt's own. */
  readonly runMayBeMadeWithinMs: number;
  /** If the claim is the probe of a blocked target: how long until the next one. */
  readonly probeMs: number;
}

/** What was claimed, frozen in the attempt. */
export interface Claim {
  readonly attempt: Attempt;
  /** The job's inputs, with the correlation input filled in. */
  readonly inputs: StringMap;
}

/** What an outcome says of the repository and workflow that it went to, and how long what it says stops them. */
export interface TargetWord {
  readonly verdict: TargetVerdict;
  /** Of `not-found`: whatever a clock says it is too soon to count as a repeated one. @default false */
  readonly isTooSoon?: boolean;
  readonly pauses: TargetPauses;
}

export interface RefusedOutcome extends TargetWord {
  /**
   * `retry`: back to pending, not before `notBefore`. `fail`: the job fails. `fail-if-repeated`: it fails if the
   * verdict, `not-found`, has been the same `recheckMs` ago; else as `retry`.
   */
  readonly then: 'retry' | 'fail' | 'fail-if-repeated';
  readonly message: string;
  readonly notBefore: number | null;
  /** This sending failed, not the forge: others of its template go first from now on, each failure longer. */
  readonly isOwnFailure: boolean;
}

export interface DispatchStore {
  /** What a plan is made of: the heads of all queues, not the queues. */
  loadState(query: DispatchQuery): Promise<LoadedDispatchState>;
  /** The forge works again: a probe may go at once to each workflow that failed lately, but to these. */
  releaseFailing(forgeId: string, but?: readonly WorkflowTarget[]): Promise<void>;
  /** Stores what differs from the last plan; not a state, no event. */
  savePlans(fence: Fence, plans: readonly GroupPlan[]): Promise<void>;
  /** These attempts keep no runner any more (`endedHolds`); those that are recorded so are left as they are. */
  recordHoldsEnded(attemptIds: readonly string[]): Promise<void>;
  /** As `displaced` names them, under the same fence. */
  recordDisplaced(attemptIds: readonly string[]): Promise<void>;
  /**
   * One statement: job pending, not paused, `notBefore` passed, its group enabled and unpaused and under its cap,
   * target not blocked (or its probe taken), no sending in doubt that its run could be taken for, lease held with
   * this epoch. `undefined`: somebody was first.
   * Throws `outcome-unknown` when the commit's fate is not known: then nothing may be sent, and
   * `giveBack(attemptId)` is called until it answers.
   */
  claim(fence: Fence, request: ClaimRequest): Promise<Claim | undefined>;
  /** The claim was never sent: attempt refused, job pending again at its old place. Repeatable; false if there was nothing to give back. */
  giveBack(attemptId: string, reason: string): Promise<boolean>;
  /**
   * Any 2xx. The run goes to this attempt even if a correlation gave it to another (that one is unknown again,
   * its job triggered again). False: the attempt was already accepted or refused.
   */
  recordAccepted(
    attemptId: string,
    run: { runId: string | null; runUrl: string },
  ): Promise<boolean>;
  /** A claimed or unknown one started nothing. False: it was settled already, and nothing was written. */
  recordRefused(attemptId: string, outcome: RefusedOutcome): Promise<boolean>;
  /** claimed → unknown. `word` absent: it says nothing of its target. False: it was settled already. */
  recordUnknown(attemptId: string, message: string, word?: TargetWord): Promise<boolean>;
  /** pending → failed, with its requeue. */
  failUndispatchable(fence: Fence, jobId: string, message: string): Promise<boolean>;
  /** Claims whose sender must be gone (by the database's clock: deadline + request timeout passed) become unknown. */
  expireClaims(fence: Fence, requestTimeoutMs: number): Promise<number>;
  /**
   * What waits for a moment further off than any pause lasts, because a clock was ahead when it was set, goes on: a block is
   * due for its probe, a job may be claimed, a send deadline is over. True: there was something.
   */
  endFarPauses(fence: Fence, forgeId: string, longestPauseMs: number): Promise<boolean>;
}
