import type { Run, WorkflowJob } from '../domain/attempt.ts';
import type { StringMap } from '../domain/job.ts';
import type { LabelCase, ObservedRunner } from '../domain/runner.ts';
import type { WebhookVerifier } from '../domain/webhook-verifier.ts';

export type ForgeKind = 'github' | 'forgejo' | 'gitea';

/** What went wrong, for the caller to branch on; never the status, never the text. */
export type ForgeErrorCode =
  /** 401, or 403 that is no limit and names no object: the credential itself does not work. */
  | 'auth'
  /** 403 on one repository or owner, of a dispatch in the forge's own words: the credential works, but not here. */
  | 'no-access'
  /** 404. A credential that lost access sees it too: ask `canReadRepo` before believing it. */
  | 'not-found'
  /** Primary or secondary limit, told by the forge or by our own ceiling; `retryAt` is set. */
  | 'rate-limited'
  /** Refused for good, whatever the inputs: file or ref is wrong until somebody mends it. */
  | 'invalid'
  /** The inputs of this one dispatch are not those that the workflow takes; `inputs` names them. */
  | 'invalid-inputs'
  /** The workflow is switched off. */
  | 'disabled'
  /** The repository is archived: it can only be read. */
  | 'archived'
  /** 409. */
  | 'conflict'
  /** It passes: 5xx, reset, timeout, DNS, refused connection; 408, 421, 423, 425. */
  | 'unavailable'
  /** An answer that is not what the forge documents. */
  | 'bad-reply'
  /** We did not send it: the send deadline had passed, or we are shutting down. */
  | 'not-sent';

/**
 * Did the request change anything? `no`: it failed before its first byte, or a 4xx answered it. `unknown`: every 5xx, a
 * 408, a reset or timeout after the first byte, a 2xx whose body does not parse.
 */
export type Acted = 'no' | 'unknown';

export interface ForgeErrorFacts {
  readonly code: ForgeErrorCode;
  readonly acted: Acted;
  /** HTTP status, where there was an answer: for people, not for branching. */
  readonly status?: number;
  /** Epoch milliseconds. */
  readonly retryAt?: number;
  /** Of `invalid-inputs`: names of those that the forge minds, as far as it says. */
  readonly inputs?: readonly string[];
  readonly cause?: unknown;
}

/** The only error an adapter may throw. Its message says what to do and holds no secret. */
export class ForgeError extends Error {
  override readonly name = 'ForgeError';
  /** For the log: the world failed, not the program. */
  readonly isExpected = true;
  readonly code: ForgeErrorCode;
  readonly acted: Acted;
  readonly status: number | undefined;
  readonly retryAt: number | undefined;
  readonly inputs: readonly string[];

  constructor(message: string, facts: ForgeErrorFacts) {
    super(message, { cause: facts.cause });
    this.code = facts.code;
    this.acted = facts.acted;
    this.status = facts.status;
    this.retryAt = facts.retryAt;
    this.inputs = facts.inputs ?? [];
  }

  /** The forge, or something in front of it, answered: so it was reached. */
  get isAnswered(): boolean {
    return this.status !== undefined;
  }
}

/** What this server can do. Data, so that the dashboard can show it and a loop can plan on it. */
export interface ForgeCapabilities {
  /** How it compares the labels of runners with those that are asked for. */
  readonly labelCase: LabelCase;
  readonly returnRunDetails: boolean;
  readonly listWaitingJobs: boolean;
  readonly jitRunners: boolean;
  readonly workflowJobHook: boolean;
}

/**
 * When the request left: an observation shows the forge as it was then or later, and observations are ordered by
 * it. Of several pages it is the oldest's. Epoch milliseconds.
 */
export interface Observed {
  /** By our wall clock: for "how old is this". */
  readonly sentAt: number;
  /**
   * The same moment by the forge's clock, within `dateOffset().uncertaintyMs`: for comparing with what the forge
   * stamps (runs, webhooks) and with what other replicas observed. Made from the answer's own `Date`, so a step of
   * our clock does not put it into the future, where it would outrank all that comes after.
   */
  readonly forgeSentAt: number;
}

export interface RunnerListing extends Observed {
  /** `false`: nothing changed since the listing these ETags came from; `runners` is empty then. */
  readonly isChanged: boolean;
  /** The pages add up to the forge's own count. */
  readonly isComplete: boolean;
  /** Why it is not complete, for people; `''` where it is. */
  readonly mismatch: string;
  /** All that were shown, whether or not the pages add up. */
  readonly runners: readonly ObservedRunner[];
  /** One per page, in order; pass them back next time. */
  readonly etags: readonly string[];
}

export interface RunListing extends Observed {
  /** Only then may something be concluded from what it does not show: no run is missing, and each could be read. */
  readonly isComplete: boolean;
  readonly runs: readonly Run[];
}

export interface RunFilter {
  /** Only runs created at or after this, on the forge's clock; epoch milliseconds. */
  readonly createdSince: number;
  /** Only one workflow's runs: id or file name. */
  readonly workflowId?: string;
  /** `lookup` (resolving an unknown attempt) goes before `track`, the default, when requests get scarce. */
  readonly purpose?: 'lookup' | 'track';
  /**
   * Asked for without a filter, and filtered here: a forge's search over runs may show nothing for hours while its
   * plain listing is right. Costs a page for every hundred runs of any kind made since.
   */
  readonly isPlain?: boolean;
}

export interface Dispatch {
  readonly owner: string;
  readonly repo: string;
  readonly workflowId: string;
  readonly ref: string;
  readonly inputs: StringMap;
  /** Asked as late as the client can, directly before the first byte: false means the claim must be given back. */
  readonly maySend: () => boolean;
}

/** A 2xx answer. Without ids (204) the run has to be found. */
export interface DispatchAccepted {
  readonly runId: string | null;
  /** The run's page for people. */
  readonly runUrl: string;
}

export interface RateState {
  readonly limit: number | null;
  readonly remaining: number | null;
  /** Epoch milliseconds. */
  readonly resetAt: number | null;
  /** Nothing is sent before this moment: the forge said so, or nothing is left until the reset. */
  readonly blockedUntil: number | null;
}

export type ForgeUse = 'runners' | 'dispatch';

/** How a credential stands now. */
export interface CredentialStatus {
  readonly id: string;
  /** Of its token: another token may be another account's. */
  readonly budgetId: string;
  readonly use: ForgeUse;
  /** The key of the configuration that holds it, such as `github.token`: what people are pointed to. */
  readonly configKey: string;
  readonly isConfigured: boolean;
  readonly isConnected: boolean;
  /** Connected, as far as is known, but it was refused since: `ensureConnected` finds out. */
  readonly isDoubted: boolean;
  /** Login of its user, once known: as it was shown last, for accounts are renamed. */
  readonly actor: string;
  readonly error: string;
  readonly rate: RateState;
  /** Dispatches it may start at this moment; `null`: no ceiling. */
  readonly dispatchesLeft: number | null;
  /** When it may be asked again, if it may not be now. */
  readonly retryAt: number | null;
}

export interface DateOffset {
  /** Forge clock minus ours. */
  readonly offsetMs: number;
  readonly uncertaintyMs: number;
  /** The forge's clock was stepped, and had shown no more than this before: what bears an earlier stamp may be from before. */
  readonly hadShown?: number;
}

/**
 * One forge server. Every method rejects with `ForgeError` only, and gives up when `signal` aborts
 * (`unavailable`, or `not-sent` when nothing had left).
 */
export interface Forge {
  readonly id: string;
  readonly kind: ForgeKind;
  readonly can: ForgeCapabilities;
  /** The credential that dispatches to this owner. */
  credentialFor(use: ForgeUse, owner?: string): CredentialStatus;
  listCredentials(): readonly CredentialStatus[];
  /** Takes over what was learnt of the limits before this process began. Asks the forge nothing. Never throws. */
  recallLimits(): Promise<void>;
  /** Asks the forge who we are. Repeatable; its outcome shows in `listCredentials`. Never throws. */
  ensureConnected(signal: AbortSignal): Promise<void>;
  /**
   * Asks anew as whom we dispatch: an account may have been renamed while everything worked. Shows in `credentialFor`.
   * Rejects when nobody could say: what rests on it has to wait.
   */
  refreshActor(signal: AbortSignal): Promise<void>;
  /** The forge shows a run that the dispatch credential surely made as this user's. */
  noteActor(login: string): void;
  /** @param etags those of the last listing of this scope. A listing never mixes pages of two moments: if one page changed, all are read. */
  listRunners(scope: string, etags: readonly string[], signal: AbortSignal): Promise<RunnerListing>;
  /**
   * Takes one from the dispatch allowance (budget and dispatch rate, shared by all replicas) of the credential that
   * serves this owner; call directly before a claim. `null`: taken. Else the epoch millisecond to ask again.
   * One taken and not used is lost: allowances err on the slow side. Rejects also with what the `BudgetStore` throws:
   * that is no fault of the forge.
   */
  takeDispatch(owner: string): Promise<number | null>;
  /** Starts a run. Not idempotent, never retried or queued below this call. */
  dispatch(dispatch: Dispatch, signal: AbortSignal): Promise<DispatchAccepted>;
  /** `workflow_dispatch` runs, newest first, all pages that the filter leaves. */
  listRuns(
    owner: string,
    repo: string,
    filter: RunFilter,
    signal: AbortSignal,
  ): Promise<RunListing>;
  /**
   * @param purpose `cancel`, what has to be known before a cancel, goes before `lookup` (resolving an unknown attempt), and that
   * before `track`, the default, when requests get scarce
   */
  getRun(
    owner: string,
    repo: string,
    runId: string,
    signal: AbortSignal,
    purpose?: 'cancel' | 'lookup' | 'track',
  ): Promise<Observed & { readonly run: Run }>;
  /** A run that was re-run on the forge, as its first attempt was: only that one is ours. */
  getFirstAttempt(
    owner: string,
    repo: string,
    runId: string,
    signal: AbortSignal,
  ): Promise<Observed & { readonly run: Run }>;
  /** The workflow jobs of the run's latest attempt, all pages. */
  listRunJobs(
    owner: string,
    repo: string,
    runId: string,
    signal: AbortSignal,
  ): Promise<Observed & { readonly jobs: readonly WorkflowJob[] }>;
  /** Resolves when the run is or will be cancelled, or has ended: 202, 409, 404 and "already completed" are success. */
  cancelRun(
    owner: string,
    repo: string,
    runId: string,
    how: 'cancel' | 'force-cancel',
    signal: AbortSignal,
  ): Promise<void>;
  /** With the dispatch credential: decides whether a 404 is to be believed. */
  canReadRepo(owner: string, repo: string, signal: AbortSignal): Promise<boolean>;
  /** `unknown` when the owner cannot be read. */
  findOwnerType(owner: string, signal: AbortSignal): Promise<'org' | 'user' | 'unknown'>;
  /** From the `Date` headers seen so far. */
  dateOffset(): DateOffset;
  /**
   * What the forge's clock shows now at the least, by its answers and the time passed since; epoch milliseconds,
   * `null` before the first answer. No step of our own clock moves it.
   */
  now(): number | null;
  readonly webhooks: WebhookVerifier;
  close(): Promise<void>;
}

/** Where a budgeted client keeps what must outlive the process and be shared by replicas. Implemented over the store. */
export interface BudgetStore {
  /** @param budgetId of one token in one use */
  findBudget(budgetId: string): Promise<Budget | undefined>;
  /**
   * Last writer wins but for `blockedUntil`, where the later moment stays.
   *
   * @param hasConnected this process has just connected: told even if the row says so already
   */
  saveBudget(budgetId: string, budget: Budget, hasConnected: boolean): Promise<void>;
  /**
   * Takes one dispatch from the shared bucket, refilled by the database's clock; `null` when taken, else the
   * epoch millisecond at which one will be there.
   */
  takeDispatch(
    credentialId: string,
    rate: { readonly burst: number; readonly perSecond: number },
  ): Promise<number | null>;
}

export interface Budget extends RateState {
  readonly actor: string;
  /** Grows back to 1 after a secondary limit halved it: the share of the configured dispatch rate in force. */
  readonly rateFactor: number;
  /** Secondary limits in a row: doubles the wait. */
  readonly secondaryHits: number;
  readonly error: string;
  readonly isConnected: boolean;
}
