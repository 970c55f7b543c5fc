/** Runs: what became of attempts. */
import type { Attempt, MatchedBy, Run, WorkflowJob } from '../../domain/attempt.ts';
import type { StampedRun } from '../../domain/stamp-gap.ts';

/** A run that is surely there, made between these two moments on the forge's clock. */
export interface NamedRun
  extends Pick<
    Attempt,
    'owner' | 'repo' | 'forgeClaimedAt' | 'forgeSendDeadline' | 'forgeUncertaintyMs'
  > {
  readonly runId: string;
  /** It has not ended, as far as is known. */
  readonly isLive: boolean;
}

/** Which runs that replies have named; moments are those of the claims, on the forge's clock. */
export interface NamedRunsAsked {
  readonly forgeId: string;
  /** Compared without case, as forges do. */
  readonly owner: string;
  readonly repo: string;
  readonly claimedSince: number;
  readonly claimedUntil: number;
  /** Of these the newest so many. */
  readonly limit: number;
}

export interface RunStore {
  /** Not ended, in the order of their claims. A watched one whose run turned up late is among them until that run ends. */
  listLive(forgeId: string): Promise<Attempt[]>;
  /** Claimed at `claimedSince` or later, given up without a run that they may have started. */
  listWatched(forgeId: string, claimedSince: number): Promise<Attempt[]>;
  /** Claimed at `claimedSince` or later, given a run by its time alone after a lost answer; live and ended ones. */
  listGuessed(forgeId: string, claimedSince: number): Promise<Attempt[]>;
  /** Claimed at `claimedSince` or later, given a run by its time alone after an answer that named none; live and ended ones. */
  listAcceptedByTime(forgeId: string, claimedSince: number): Promise<Attempt[]>;
  /**
   * The latest `limit` attempts of this forge whose run it named, or whose run bears their id or was found by its time after an
   * answer that named none, and what that is stamped with.
   */
  listStamped(forgeId: string, limit: number): Promise<StampedRun[]>;
  /** Attempts of one repository whose run a reply has named, the newest first. */
  listNamedRuns(asked: NamedRunsAsked): Promise<NamedRun[]>;
  /** Which of these runs already belong to an attempt. */
  listOwnedRunIds(forgeId: string, runIds: readonly string[]): Promise<Set<string>>;
  /** Which of these are ids of attempts, ended ones too. */
  listAttemptIds(ids: readonly string[]): Promise<string[]>;
  /** unknown → found, or an accepted one without a run gets it. False: it, or the run, was taken first. */
  matchRun(attemptId: string, run: Run, matchedBy: MatchedBy): Promise<boolean>;
  /**
   * Takes an observation of the run unless a newer one was taken: moves the job on (running, or its end with the
   * requeue), ends the attempt when the run has completed. A run of `attempt` > 1 moves nothing. False: not taken.
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
  listToCheck(forgeId: string): Promise<Set<string>>;
  /** A complete listing, sent at `sentAt`, showed no candidate. */
  recordMissing(attemptId: string, sentAt: number): Promise<void>;
  /** unknown → absent: its job is pending again the first time, fails the second. An accepted one fails its job. */
  concludeAbsent(attemptId: string, message: string): Promise<boolean>;
  /**
   * unknown or accepted → ambiguous: its job fails, and is never sent again. False: it was settled already.
   */
  concludeAmbiguous(attemptId: string, message: string, how?: AmbiguousEnd): Promise<boolean>;
  /**
   * Of these commits those at which a run that the forge had named to an attempt like one of `attempts` bore its id, and none of
   * what may be their workflow is known to have lacked it; as `namedAt` writes them.
   */
  listNamedCommits(
    attempts: readonly Attempt[],
    commits: readonly string[],
  ): Promise<ReadonlySet<string>>;
  /** A run turned up for a watched attempt: the run is its, and its cancel is wanted. */
  adoptLateRun(attemptId: string, run: Run, matchedBy: MatchedBy): Promise<boolean>;
  /**
   * The run answers 404. The first time is remembered; `recheckAfterMs` later it counts: the job fails, its chain and the attempt end.
   * `Infinity`: it is remembered only.
   */
  recordRunGone(
    attemptId: string,
    recheckAfterMs: number,
    message: string,
  ): Promise<'noted' | 'ended' | 'lost'>;
  /**
   * Access to its repository is lost: remembered, and concluded from `unreadableRunMs` later. A known run keeps its job while that
   * is active, and is let go once it has ended. Where no run is known the attempt becomes ambiguous, and its job fails; if a
   * cancel is wanted, absent. Both are watched on. `Infinity`: it is remembered only. True: it has ended by this.
   * @param messages `ambiguous` for the job that fails, `lost` for the attempt where no job does
   */
  recordRunUnreadable(
    attemptId: string,
    unreadableRunMs: number,
    messages: { readonly lost: string; readonly ambiguous: string },
  ): Promise<boolean>;
  /** The repository of these attempts without a run can be read: what is seen of it from now on counts anew. */
  recordReadable(attemptIds: readonly string[]): Promise<void>;
  /**
   * Wanted, run known, not ended; cancel not sent yet, or force-cancel due, which it is again and again. Not one that is known by
   * its time alone as long as another may still be made that could be it: `runMadeWithinMs` after its send deadline.
   */
  listWantedCancels(
    forgeId: string,
    waits: { readonly forceCancelMs: number; readonly runMadeWithinMs: number },
  ): Promise<{ attempt: Attempt; how: 'cancel' | 'force-cancel' }[]>;
  recordCancelSent(attemptId: string, how: 'cancel' | 'force-cancel'): Promise<void>;
}

export interface AmbiguousEnd {
  /** found or accepted → ambiguous, though it has this run, by its time alone: it lets go of it. */
  readonly guessedRunId?: string;
  /** With this one the runs of its workflow have shown that they do not bear the id they are sent: remembered of an accepted one. */
  readonly unnamedRun?: Pick<Run, 'id' | 'headSha'>;
}
