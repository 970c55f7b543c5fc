import type { DispatchTarget } from './job.ts';

/**
 * What we know of one sending:
 * - `claimed`: written before the first byte; the sender, or nobody, is at it
 * - `accepted`: the forge answered 2xx; its run may still have to be found (a 204 names none), or be given up
 * - `refused`: it started nothing (never sent, or a 4xx answer other than 408)
 * - `unknown`: it may have started a run; correlation decides
 * - `found`: an unknown one whose run was matched
 * - `absent`: concluded late to have started nothing; watched on for a run after all
 * - `ambiguous`: given up, as a run may be its own or another's: its job is never sent again
 */
export type AttemptState =
  | 'claimed'
  | 'accepted'
  | 'refused'
  | 'unknown'
  | 'found'
  | 'absent'
  | 'ambiguous';

export interface AttemptMove {
  readonly from: AttemptState | null;
  readonly to: AttemptState;
  readonly by: string;
}

/** Every edge the store will write. A reply beats every correlation by time; one by name proves the run. */
export const ATTEMPT_MOVES: readonly AttemptMove[] = [
  { from: null, to: 'claimed', by: 'the job is claimed' },
  { from: 'claimed', to: 'accepted', by: 'a 2xx answer' },
  { from: 'claimed', to: 'refused', by: 'not sent, or a 4xx answer' },
  { from: 'claimed', to: 'unknown', by: '5xx, 408, reset, timeout, or the sender is gone' },
  { from: 'unknown', to: 'accepted', by: 'a late 2xx answer' },
  { from: 'unknown', to: 'refused', by: 'a late 4xx answer, or known late not to be sent' },
  { from: 'unknown', to: 'found', by: 'its run was matched' },
  {
    from: 'unknown',
    to: 'absent',
    by: 'no run after the lookup timeout, or nobody can look for a cancelled one',
  },
  {
    from: 'unknown',
    to: 'ambiguous',
    by: 'late: a run that may be another’s, one that is not listed, or nobody can look',
  },
  {
    from: 'accepted',
    to: 'ambiguous',
    by: 'late: a run that may be another’s, one that is not listed, or nobody can look; or before its cancel, as found',
  },
  {
    from: 'found',
    to: 'ambiguous',
    by: 'before its cancel: another run may be its own as well as the one taken by time',
  },
  { from: 'found', to: 'unknown', by: 'the matched run was another attempt’s' },
  {
    from: 'found',
    to: 'refused',
    by: 'a late 4xx answer, or known late not to be sent; the run taken by time is another’s',
  },
  { from: 'absent', to: 'refused', by: 'a late 4xx answer, or known late not to be sent' },
  { from: 'ambiguous', to: 'refused', by: 'a late 4xx answer, or known late not to be sent' },
  { from: 'found', to: 'accepted', by: 'a late 2xx answer' },
  { from: 'absent', to: 'accepted', by: 'a late 2xx answer' },
  { from: 'ambiguous', to: 'accepted', by: 'a late 2xx answer' },
];

export function assertAttemptMove(from: AttemptState | null, to: AttemptState): void {
  if (!ATTEMPT_MOVES.some((move) => move.from === from && move.to === to)) {
    throw new Error(`no edge ${from ?? 'nothing'} -> ${to}`);
  }
}

/** How an attempt got its run: the forge named it, its input named it, or the order in time did. */
export type MatchedBy = 'reply' | 'input' | 'order';

/** Statuses GitHub documents; another is kept as it came and treated like `queued`. */
export type RunStatus =
  | 'queued'
  | 'in_progress'
  | 'completed'
  | 'waiting'
  | 'requested'
  | 'pending'
  | (string & {});

/** One sending of a job to a forge. Times are epoch milliseconds; run times are the forge's. */
export interface Attempt extends DispatchTarget {
  readonly id: string;
  /** The job may be gone: attempts outlive it. */
  readonly jobId: string;
  readonly groupId: string;
  readonly forgeId: string;
  readonly credentialId: string;
  /** Of the token that it was sent with; `''` in rows of versions that did not keep it. */
  readonly budgetId: string;
  /** Login the forge shows as the run's actor; `''` while the credential has never shown one. */
  readonly actor: string;
  /** Of the job's inputs, without the one that carries the attempt id. */
  readonly inputsHash: string;
  /** Input that carries the attempt id into the run's name, if the template has one. */
  readonly correlationInput: string | null;
  /** Its run is known by the id in its name, never by its time: the id is sent, and no run has shown that it gets lost. */
  readonly isNamed: boolean;
  readonly state: AttemptState;
  readonly claimedAt: number;
  /** First byte leaves before this or never. */
  readonly sendDeadline: number;
  /** The same two moments on the forge's clock, as it stood at the claim: either clock may be put right since. */
  readonly forgeClaimedAt: number;
  readonly forgeSendDeadline: number;
  /** How far off these two may be: as well as the forge's clock was known at the claim. */
  readonly forgeUncertaintyMs: number;
  /** How many runners this attempt holds while its run is not known. */
  readonly runners: number;
  /** Labels a runner needs: the group's at the time of the claim. */
  readonly labels: readonly string[];
  readonly runId: string | null;
  readonly runUrl: string;
  readonly matchedBy: MatchedBy | null;
  readonly runStatus: RunStatus | null;
  readonly runConclusion: string | null;
  readonly runCreatedAt: number | null;
  readonly runStartedAt: number | null;
  readonly runnerId: string | null;
  readonly runnerName: string;
  /** Send time of the newest observation of the run that was taken. */
  readonly runObservedAt: number | null;
  /** First and last complete listing, sent after the last possible send, that showed no candidate. */
  readonly missingSince: number | null;
  readonly missingAt: number | null;
  /** First time seen so since it was last read: the run 404s, which counts `recheck_after` later, or nobody can look (`unreadable_run`). */
  readonly goneSince: number | null;
  readonly cancelWantedAt: number | null;
  readonly cancelSentAt: number | null;
  readonly forceCancelSentAt: number | null;
  /** Its runner is marked busy, or the hold ended otherwise: it no longer holds a free runner. */
  readonly holdEndedAt: number | null;
  /** When it was first seen that another job took its runner: counted once. */
  readonly displacedAt: number | null;
  /** Nothing more is expected of it: the run ended, or there is none. */
  readonly endedAt: number | null;
  readonly errorMessage: string;
}

/** Its job has gone on without it: whatever it started after all is not wanted any more. */
export function isGivenUp({ state }: Pick<Attempt, 'state'>): boolean {
  return state === 'absent' || state === 'ambiguous';
}

/** It has ended without a run, though it may have started one: that is waited for, to be cancelled. */
export function isWatched({
  state,
  runId,
  endedAt,
}: Pick<Attempt, 'state' | 'runId' | 'endedAt'>): boolean {
  return runId === null && endedAt !== null && state !== 'refused';
}

/** A moment of ours on the forge's clock, as the two stood to each other when this attempt was claimed. */
export function onForgeClock(
  { claimedAt, forgeClaimedAt }: Pick<Attempt, 'claimedAt' | 'forgeClaimedAt'>,
  moment: number,
): number {
  return moment + forgeClaimedAt - claimedAt;
}

/** A run as a listing or a single read shows it. */
export interface Run {
  readonly id: string;
  readonly attempt: number;
  readonly name: string;
  /** The workflow file's path without `@ref`, e.g. `.github/workflows/a.yml`. */
  readonly path: string;
  readonly workflowId: string;
  readonly event: string;
  readonly branch: string;
  readonly actor: string;
  /** The commit whose workflow file it runs; `''`: not told. */
  readonly headSha: string;
  readonly status: RunStatus;
  readonly conclusion: string | null;
  readonly url: string;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly updatedAt: number;
}

/** Before it starts, a run may bear a name that is not worked out yet. */
export function isNameFinal({ status }: Pick<Run, 'status'>): boolean {
  return status === 'in_progress' || status === 'completed';
}

/** A part of a run: what a runner really takes. */
export interface WorkflowJob {
  readonly id: string;
  readonly runId: string;
  readonly runAttempt: number;
  readonly name: string;
  readonly status: string;
  readonly conclusion: string | null;
  readonly labels: readonly string[];
  readonly runnerId: string | null;
  readonly runnerName: string;
  readonly createdAt: number | null;
  readonly startedAt: number | null;
  readonly completedAt: number | null;
}
