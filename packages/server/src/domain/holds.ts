import { type Attempt, isGivenUp, type WorkflowJob } from './attempt.ts';
import type { Hold } from './dispatch-state.ts';
import { labelSetOf } from './runner.ts';

/** Forges stamp times in whole seconds, rounded down: what is stamped 12:00:05 may have happened at 12:00:05.9. */
const FORGE_TIME_STEP_MS = 1_000;

/** The last listing over a scope that covers the attempt's repository; `null`: none yet. */
export interface ScopeListing {
  readonly scope: string;
  /** When its first request left, on the forge's clock. */
  readonly completedSentAt: number | null;
}

/** All times are on the forge's clock. */
export interface HoldInput {
  readonly attempt: Attempt;
  readonly workflowJobs: readonly WorkflowJob[];
  /** The run's workflow jobs have been read; without it an empty list says nothing. */
  readonly areWorkflowJobsObserved: boolean;
  /** Scopes whose runners do not count as free may be left out. */
  readonly listings: readonly ScopeListing[];
  /** Forge ids of runners that are stored as busy: they are taken already, nothing needs to be kept for them. */
  readonly busyRunnerIds: ReadonlySet<string>;
  readonly now: number;
  readonly pickupTimeoutMs: number;
  /** How far a time stamped by the forge may be off. */
  readonly uncertaintyMs: number;
  /** Runners that fit are free and stay so, though this attempt's work is queued. */
  readonly areFittingRunnersIdle: boolean;
}

/**
 * Why an attempt holds nothing (any more):
 * - `started`: its runners are marked busy, or a later listing has seen them as they are
 * - `not-picked-up`: the forge gives it to none of the idle runners that we think fit
 */
export type HoldEnd = 'started' | 'not-picked-up';

export interface Holding {
  /** One per label set asked for. */
  readonly holds: readonly Hold[];
  /** Set only while `holds` is empty for good; what is true by time or by a listing is to be recorded as `holdEndedAt`. */
  readonly ended: HoldEnd | null;
  /** Label sets of the work that still waits for a runner: what `not-picked-up` shows. */
  readonly wanted: readonly (readonly string[])[];
}

const NOTHING: Holding = { holds: [], ended: null, wanted: [] };

/** What one live attempt keeps from others, from its claim until its runners are seen to be busy. */
export function holdsOf(input: HoldInput): Holding {
  const { attempt } = input;
  if (!mayHold(attempt)) return NOTHING;
  const wanted = attempt.runId === null ? allRunners(attempt) : wantedByRun(input);
  // An end covers what was there at the time: a workflow job queued later needs a runner of its own.
  const open = wanted.filter(({ queuedAt }) => (attempt.holdEndedAt ?? -Infinity) < queuedAt);
  if (open.length === 0) return { ...NOTHING, ended: isWaitingOnForge(attempt) ? null : 'started' };
  if (isNotPickedUp(input, open)) {
    return { holds: [], ended: 'not-picked-up', wanted: labelSetsOf(open) };
  }
  return { holds: holdRows(attempt, open), ended: null, wanted: labelSetsOf(open) };
}

/** One runner's worth of work that waits. */
interface Wanted {
  readonly labels: readonly string[];
  readonly queuedAt: number;
}

function mayHold(attempt: Attempt): boolean {
  return attempt.endedAt === null && attempt.state !== 'refused' && !isGivenUp(attempt);
}

/** `waiting` for an approval, `pending` behind its concurrency group, `requested` and not planned yet: no runner is asked for. */
function isWaitingOnForge({ runStatus }: Attempt): boolean {
  return runStatus === 'waiting' || runStatus === 'pending' || runStatus === 'requested';
}

function allRunners(attempt: Attempt): Wanted[] {
  const queuedAt = attempt.runCreatedAt ?? attempt.claimedAt;
  return Array.from({ length: attempt.runners }, () => ({ labels: attempt.labels, queuedAt }));
}

function wantedByRun(input: HoldInput): Wanted[] {
  const { attempt, workflowJobs, areWorkflowJobsObserved } = input;
  if (attempt.runStatus === 'completed' || isWaitingOnForge(attempt)) return [];
  // The forge makes the workflow jobs a moment after the run: none yet means not known yet.
  if (areWorkflowJobsObserved && workflowJobs.length > 0) {
    return workflowJobs
      .filter((job) => needsRunnerKept(job, input))
      .map((job) => wantedBy(job, attempt));
  }
  const hasStarted = attempt.runStatus === 'in_progress';
  return hasStarted && isSeenSince(attempt.runObservedAt, input) ? [] : allRunners(attempt);
}

function wantedBy(job: WorkflowJob, attempt: Attempt): Wanted {
  return {
    labels: job.labels.length > 0 ? job.labels : attempt.labels,
    queuedAt: job.createdAt ?? attempt.runCreatedAt ?? attempt.claimedAt,
  };
}

/**
 * A workflow job that has just started still holds: until the runner is marked busy, or a listing has looked since,
 * our rows show it as free, and another job would be sent to it.
 */
function needsRunnerKept(job: WorkflowJob, input: HoldInput): boolean {
  if (job.status === 'queued') return true;
  if (job.status !== 'in_progress') return false;
  if (job.runnerId !== null && input.busyRunnerIds.has(job.runnerId)) return false;
  return !isSeenSince(job.startedAt ?? input.attempt.runObservedAt, input);
}

/** Every scope that could hold the runner has been looked at since. Holding too long idles a runner, too short sends two jobs to one. */
function isSeenSince(startedAt: number | null, { listings, uncertaintyMs }: HoldInput): boolean {
  if (startedAt === null) return false;
  const read = listings.flatMap(({ completedSentAt }) => completedSentAt ?? []);
  const surelyStartedAt = startedAt + FORGE_TIME_STEP_MS + uncertaintyMs;
  return read.length > 0 && read.every((sentAt) => sentAt >= surelyStartedAt);
}

function isNotPickedUp(input: HoldInput, open: readonly Wanted[]): boolean {
  const last = Math.max(...open.map(({ queuedAt }) => queuedAt));
  return input.areFittingRunnersIdle && input.now - last >= input.pickupTimeoutMs;
}

function labelSetsOf(open: readonly Wanted[]): (readonly string[])[] {
  return [...new Map(open.map(({ labels }) => [labelSetOf(labels), labels])).values()];
}

function holdRows(attempt: Attempt, open: readonly Wanted[]): Hold[] {
  const { id, jobId, groupId, owner, repo } = attempt;
  return labelSetsOf(open).map((labels) => ({
    attemptId: id,
    jobId,
    groupId,
    labels,
    owner,
    repo,
    count: open.filter((one) => labelSetOf(one.labels) === labelSetOf(labels)).length,
  }));
}
