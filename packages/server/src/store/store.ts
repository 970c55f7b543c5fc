/**
 * The store's port. Every write is one transaction, fenced by the state it believed; its result says who won.
 * Nothing here reads first and writes later. Each state change appends its event in the same transaction.
 * Times are epoch milliseconds.
 */
import type { Attempt, MatchedBy, Run, WorkflowJob } from '../domain/attempt.ts';
import type { DispatchState, GroupPlan } from '../domain/dispatch-state.ts';
import type { Event } from '../domain/event.ts';
import type { Group, Template } from '../domain/group.ts';
import type {
  DispatchTarget,
  EndedState,
  Job,
  JobOverrides,
  JobState,
  StringMap,
} from '../domain/job.ts';
import type { Runner } from '../domain/runner.ts';
import type { ScopeListing } from '../domain/why-waiting.ts';
import type { RetentionStore } from './port/retention.ts';
import type { RunnerPass, RunnerUseStore, SeenUse } from './port/runner-pass.ts';
import type { WebhookStore } from './port/webhooks.ts';

export type { RetentionStore } from './port/retention.ts';
export type { RunnerPass, SeenUse } from './port/runner-pass.ts';
export type { NewDelivery, OpenDelivery, WebhookStore } from './port/webhooks.ts';

export interface Store {
  readonly kind: 'sqlite' | 'postgres';
  readonly catalog: CatalogStore;
  readonly jobs: JobStore;
  readonly dispatch: DispatchStore;
  readonly runs: RunStore;
  readonly runners: RunnerStore;
  readonly leases: LeaseStore;
  readonly credentials: CredentialStore;
  readonly users: UserStore;
  readonly webhooks: WebhookStore;
  readonly events: EventStore;
  readonly retention: RetentionStore;
  /** Round trip in milliseconds. Throws StoreError when the database does not answer, or did not take the last write. */
  ping(): Promise<number>;
  /** Waits for writes in flight. */
  close(): Promise<void>;
}

/** A write that lost: the row was not as believed. `not-found`: there is no such row. */
export type Lost = {
  readonly ok: false;
  readonly reason: 'not-found' | 'wrong-state';
  readonly state?: JobState;
};
export type Won<T> = { readonly ok: true; readonly value: T };
export type Outcome<T> = Won<T> | Lost;

/** The lease a loop works under. Writes that plan or claim name it and fail without it. */
export interface Fence {
  readonly name: string;
  readonly holder: string;
  readonly epoch: number;
}

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Its message says it all: a database that is away is nobody's bug. */
  get isExpected(): boolean {
    return this.code === 'unavailable' || this.code === 'outcome-unknown';
  }
}

export type StoreErrorCode =
  /** The database does not answer, is full, or is locked by somebody else. Nothing was committed. */
  | 'unavailable'
  /** The connection broke during the commit: it may have been committed. */
  | 'outcome-unknown'
  /** The schema is newer and contracted, or a migration was altered. */
  | 'schema'
  | 'unknown-group'
  | 'unknown-template'
  /** The same Idempotency-Key came with another body. */
  | 'key-reused';

// --- groups and templates -------------------------------------------------------------------------------------

export type SyncGroup = Omit<
  Group,
  'forgeId' | 'isEnabled' | 'isPaused' | 'createdAt' | 'updatedAt'
> & {
  readonly templates: readonly SyncTemplate[];
};
export type SyncTemplate = Omit<Template, 'groupId' | 'inConfig' | 'createdAt' | 'updatedAt'>;

export interface GroupStats {
  /** Pending, paused ones included. */
  readonly queuedJobs: number;
  /** Triggered and running. */
  readonly runningJobs: number;
  /** Online and not busy. */
  readonly idleRunners: number;
  /** Busy, even if offline. */
  readonly busyRunners: number;
  readonly onlineRunners: number;
  readonly totalRunners: number;
  /** Includes templates that left the config. */
  readonly templateCount: number;
}

export interface CatalogStore {
  /**
   * Makes groups and templates what the config says, in one transaction. `isPaused` and `createdAt` stay. Groups
   * of this forge that left the config are disabled; a template that left it is deleted if no job ever used it,
   * else kept with `inConfig` false. A template that moved takes its pending jobs' group with it only for new jobs:
   * existing jobs stay where they are.
   */
  sync(forge: { id: string; kind: string }, groups: readonly SyncGroup[]): Promise<void>;
  listGroups(): Promise<Group[]>;
  /** By name. */
  listGroupsWithStats(): Promise<(Group & GroupStats)[]>;
  findGroup(id: string): Promise<Group | undefined>;
  setGroupPaused(id: string, isPaused: boolean, actor: string): Promise<Group | undefined>;
  /** By name. */
  listTemplates(groupId: string): Promise<Template[]>;
  findTemplate(id: string): Promise<Template | undefined>;
  findTemplates(ids: readonly string[]): Promise<Template[]>;
}

// --- jobs: what people do -------------------------------------------------------------------------------------

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
  /** Jobs that will be sent before it. */
  readonly ahead: number;
  readonly workflowJobs: readonly WorkflowJob[];
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
  countQueue(): Promise<QueueCounts[]>;
  findWaitFacts(id: string): Promise<WaitFacts | undefined>;
}

// --- dispatch: plan, claim, record ----------------------------------------------------------------------------

/** A repository or workflow that nothing is sent to but one probe at a time. */
export interface TargetBlock {
  readonly kind: 'template-broken' | 'no-access';
  readonly message: string;
  readonly since: number;
  readonly nextProbeAt: number;
}

export interface CredentialOfForge {
  readonly credentialId: string;
  readonly actor: string;
}

export interface DispatchQuery {
  readonly forgeId: string;
  /** Who would send: recorded on the claim, and named in each pending job. */
  readonly credential: CredentialOfForge;
  /** Runners of scopes without a complete pass this young are not free. */
  readonly freshForMs: number;
  readonly pickupTimeoutMs: number;
  /** Forge clock minus ours. */
  readonly offsetMs: number;
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
  /** Forge clock minus ours, now. */
  readonly offsetMs: number;
  /** If the claim is the probe of a blocked target: how long until the next one. */
  readonly probeEveryMs: number;
}

/** What was claimed, frozen in the attempt. */
export interface Claim {
  readonly attempt: Attempt;
  /** The job's inputs, with the correlation input filled in. */
  readonly inputs: StringMap;
}

export interface RefusedOutcome {
  /**
   * `retry`: back to pending, not before `notBefore`. `fail`: the job fails. `no-access`: back to pending, the
   * repository is blocked until its next probe.
   */
  readonly then: 'retry' | 'fail' | 'no-access';
  readonly message: string;
  readonly notBefore: number | null;
  /** The refusal speaks against (repo, workflow, ref): three in a row break it. Inputs are the job's own fault. */
  readonly isTargetFault: boolean;
  readonly probeEveryMs: number;
}

export interface DispatchStore {
  loadState(query: DispatchQuery): Promise<LoadedDispatchState>;
  /** Stores what differs from the last plan; not a state, no event. */
  savePlans(fence: Fence, plans: readonly GroupPlan[]): Promise<void>;
  recordHoldsEnded(attemptIds: readonly string[]): Promise<void>;
  recordDisplaced(attemptIds: readonly string[]): Promise<void>;
  /**
   * One statement: job pending, not paused, `notBefore` passed, its group enabled and unpaused and under its cap,
   * target not blocked (or its probe taken), lease held with this epoch. `undefined`: somebody was first.
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
  recordRefused(attemptId: string, outcome: RefusedOutcome): Promise<boolean>;
  recordUnknown(attemptId: string, message: string): Promise<boolean>;
  /** pending → failed, with its requeue. */
  failUndispatchable(fence: Fence, jobId: string, message: string): Promise<boolean>;
  /** Claims whose sender must be gone (by the database's clock: deadline + request timeout passed) become unknown. */
  expireClaims(fence: Fence, requestTimeoutMs: number): Promise<number>;
}

// --- runs: what became of attempts ----------------------------------------------------------------------------

export interface RunStore {
  /** Not ended: claimed, accepted, unknown, found. */
  listLive(forgeId: string): Promise<Attempt[]>;
  /** Absent ones younger than `sinceMs` that no run was found for. */
  listWatchedAbsent(forgeId: string, claimedSince: number): Promise<Attempt[]>;
  /** Which of these runs already belong to an attempt. */
  listOwnedRunIds(forgeId: string, runIds: readonly string[]): Promise<Set<string>>;
  /** unknown → found, or an accepted one without a run gets it. False: it, or the run, was taken first. */
  matchRun(attemptId: string, run: Run, matchedBy: MatchedBy): Promise<boolean>;
  /**
   * Takes an observation of the run unless a newer one was taken: moves the job on (running, or its end with the
   * requeue), ends the attempt when the run has completed. A run of `attempt` > 1 moves nothing.
   * @param sentAt when the request for this observation left, on the forge's clock
   */
  recordRun(attemptId: string, run: Run, sentAt: number): Promise<boolean>;
  /** Stores the run's workflow jobs, names the runner on attempt and job, marks that runner busy, ends the hold. */
  recordWorkflowJobs(
    attemptId: string,
    jobs: readonly WorkflowJob[],
    sentAt: number,
  ): Promise<void>;
  listWorkflowJobs(forgeId: string, runId: string): Promise<WorkflowJob[]>;
  /** Live attempts whose runner is free again or does something else: their runs have to be looked into to know what follows. */
  listBetweenJobs(forgeId: string): Promise<Set<string>>;
  /** A complete listing, sent at `sentAt`, showed no candidate. */
  recordMissing(attemptId: string, sentAt: number): Promise<void>;
  /** unknown → absent: its job is pending again the first time, fails the second. An accepted one fails its job. */
  concludeAbsent(attemptId: string, message: string): Promise<boolean>;
  /** A run turned up for an absent attempt: the run is its, and its cancel is wanted. */
  adoptLateRun(attemptId: string, run: Run): Promise<boolean>;
  /** The run answers 404. The first time is remembered; `gapMs` later it counts: the job fails, the attempt ends. */
  recordRunGone(
    attemptId: string,
    gapMs: number,
    message: string,
  ): Promise<'noted' | 'ended' | 'lost'>;
  /**
   * Access to its repository is lost. An active job stays; one that has ended lets its attempt go, `gapMs` later. Where
   * no run is known the attempt is then called absent, and is watched on.
   */
  recordRunUnreadable(attemptId: string, gapMs: number, message: string): Promise<boolean>;
  /** Wanted, run known, not ended; cancel not sent yet, or force-cancel due, which it is again and again. */
  listWantedCancels(
    forgeId: string,
    forceAfterMs: number,
  ): Promise<{ attempt: Attempt; how: 'cancel' | 'force-cancel' }[]>;
  recordCancelSent(attemptId: string, how: 'cancel' | 'force-cancel'): Promise<void>;
}

// --- runners --------------------------------------------------------------------------------------------------

export interface RunnerScopeRow {
  readonly forgeId: string;
  readonly scope: string;
  readonly etags: readonly string[];
  /** Send time of the last complete pass, on the forge's clock. */
  readonly passSentAt: number | null;
  /** When that pass was stored, on ours. */
  readonly passAt: number | null;
  readonly error: string;
}

/** Owners and repositories that jobs go to: templates in config, and pending manual jobs. */
export interface UsedRepo {
  readonly groupId: string;
  readonly owner: string;
  readonly repo: string;
}

export interface RunnerStore extends RunnerUseStore {
  /** By name. */
  listRunners(): Promise<Runner[]>;
  listRunnersOfGroup(groupId: string): Promise<Runner[] | undefined>;
  findRunners(ids: readonly string[]): Promise<Runner[]>;
  listUsedRepos(forgeId: string): Promise<UsedRepo[]>;
  /** With ETags only where "unchanged" would still be about the runners as they are stored. */
  listScopes(forgeId: string): Promise<RunnerScopeRow[]>;
  /** Scopes not named any more are dropped with their runners. */
  setScopes(fence: Fence, forgeId: string, scopes: readonly string[]): Promise<void>;
  /**
   * Takes a pass, row by row only where newer. Absent from one complete pass: offline; from two in a row: gone.
   * Writes nothing without the lease, or when a newer pass is stored.
   *
   * @returns which runners it was the first to see taken or freed
   */
  recordPass(fence: Fence, pass: RunnerPass): Promise<SeenUse | undefined>;
  recordScopeError(fence: Fence, forgeId: string, scope: string, message: string): Promise<void>;
}

// --- leases, credentials, events, users, webhooks -----------------------------------------------------------------------

export interface LeaseStore {
  /** Takes or renews, by the database's clock. `undefined`: another holder has it. The epoch grows whenever the holder changes. */
  tryAcquire(name: string, holder: string, ttlMs: number): Promise<Fence | undefined>;
  release(fence: Fence): Promise<void>;
  list(): Promise<{ name: string; holder: string; epoch: number; expiresAt: number }[]>;
}

export interface CredentialRow {
  readonly id: string;
  readonly actor: string;
  readonly limit: number | null;
  readonly remaining: number | null;
  readonly resetAt: number | null;
  readonly blockedUntil: number | null;
  readonly rateFactor: number;
  readonly secondaryHits: number;
  readonly isConnected: boolean;
  readonly error: string;
}

export interface CredentialStore {
  find(id: string): Promise<CredentialRow | undefined>;
  /** Last writer wins, but the later `blockedUntil` stays. An event only when `isConnected` or `error` changes. */
  save(forgeId: string, row: CredentialRow): Promise<void>;
  /** `null`: one dispatch was taken from the shared bucket (database's clock); else when one will be there. */
  takeDispatch(id: string, rate: { burst: number; perSecond: number }): Promise<number | null>;
}

export interface EventStore {
  /** Committed events after `seq`, in commit order. */
  listAfter(seq: number, limit: number): Promise<Event[]>;
  lastSeq(): Promise<number>;
  /**
   * Calls back, soon after a commit, that there is something new: from this process at once, from others through
   * the database. A hint: it may come twice or, while the connection is down, late; `onGap` says when to look anew.
   * Returns how to stop.
   */
  onCommit(listener: () => void): () => void;
}

export type Role = 'readonly' | 'admin';

export interface User {
  readonly id: string;
  readonly username: string;
  readonly role: Role;
  readonly authProvider: 'basic' | 'github';
  readonly githubId: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface UserWithPassword extends User {
  readonly passwordHash: string;
}

export interface UserStore {
  listBasicUsers(): Promise<UserWithPassword[]>;
  findBasicUser(username: string): Promise<UserWithPassword | undefined>;
  /**
   * The configured basic users, hashes made by the caller. Users that left the config are disabled and their
   * sessions end; a changed password or role ends sessions too. Throws when a name belongs to another provider.
   */
  syncBasicUsers(
    users: readonly {
      username: string;
      passwordHash: string;
      role: Role;
      isPasswordChanged: boolean;
    }[],
  ): Promise<void>;
  createSession(session: { userId: string; tokenHash: string; expiresAt: number }): Promise<void>;
  findSession(tokenHash: string): Promise<{ user: User; expiresAt: number } | undefined>;
  deleteSession(tokenHash: string): Promise<boolean>;
}
