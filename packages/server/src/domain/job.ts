/**
 * A job's states. They are the wire's own six, so one word means one thing from database to button; how far a
 * `triggered` job's sending has come is shown by its attempt (attempt.ts).
 */
export type JobState = 'pending' | 'triggered' | 'running' | 'completed' | 'failed' | 'cancelled';

export const ACTIVE_STATES = ['triggered', 'running'] as const satisfies readonly JobState[];
export const ENDED_STATES = [
  'completed',
  'failed',
  'cancelled',
] as const satisfies readonly JobState[];
export type EndedState = (typeof ENDED_STATES)[number];

export interface JobMove {
  readonly from: JobState | null;
  readonly to: JobState | null;
  /** What happened outside; drawn on the edge in docs/states.md. */
  readonly by: string;
}

/** Every edge the store will write. An edge that is not here is a bug, not a race. `null` = no row. */
export const JOB_MOVES: readonly JobMove[] = [
  { from: null, to: 'pending', by: 'added, or requeued after an end' },
  { from: 'pending', to: 'triggered', by: 'claimed: the attempt is written, then sent' },
  { from: 'pending', to: 'failed', by: 'owner, repo, workflow or ref is missing' },
  { from: 'pending', to: null, by: 'deleted' },
  { from: 'triggered', to: 'pending', by: 'the attempt provably started nothing' },
  { from: 'triggered', to: 'running', by: 'the run is in progress' },
  { from: 'triggered', to: 'completed', by: 'the run ended: success, skipped, neutral' },
  { from: 'triggered', to: 'failed', by: 'refused for good, run ended badly, or no run found' },
  { from: 'triggered', to: 'cancelled', by: 'cancelled by a user or on the forge' },
  { from: 'running', to: 'triggered', by: 'its run turned out to be another attempt’s' },
  { from: 'running', to: 'completed', by: 'the run ended: success, skipped, neutral' },
  { from: 'running', to: 'failed', by: 'the run ended badly or was deleted' },
  { from: 'running', to: 'cancelled', by: 'cancelled by a user or on the forge' },
  { from: 'failed', to: null, by: 'deleted, or history retention' },
  { from: 'completed', to: null, by: 'history retention' },
  { from: 'cancelled', to: null, by: 'history retention' },
];

export function mayMove(from: JobState | null, to: JobState | null): boolean {
  return JOB_MOVES.some((move) => move.from === from && move.to === to);
}

/** Throws on an edge that does not exist: asked for before every write that changes a state. */
export function assertMove(from: JobState | null, to: JobState | null): void {
  if (!mayMove(from, to)) throw new Error(`no edge ${from ?? 'nothing'} -> ${to ?? 'nothing'}`);
}

export type StringMap = Readonly<Record<string, string>>;

/** What a user may override; `null` = not given, `''` = blanked, which falls back to the template like `null`. */
export interface JobOverrides {
  readonly name: string | null;
  readonly owner: string | null;
  readonly repo: string | null;
  readonly workflowId: string | null;
  readonly ref: string | null;
  readonly labels: StringMap | null;
}

/** One queued dispatch of ours. Times are epoch milliseconds. */
export interface Job extends JobOverrides {
  readonly id: string;
  readonly forgeId: string;
  readonly groupId: string;
  /** `null` for a manual job. */
  readonly templateId: string | null;
  /** The template as it was when the job was queued, if it has changed since. `null`: as it is now. */
  readonly templateVersion: string | null;
  readonly state: JobState;
  readonly isPaused: boolean;
  /** −100…100; higher goes first. */
  readonly priority: number;
  /** Order among equals; gaps of 2^20 leave room to move one job without touching the others. */
  readonly rank: number;
  /** Counts up per group over all jobs ever: the wire's `position` once the job is no longer pending. */
  readonly number: number;
  readonly inputs: StringMap | null;
  readonly autoRequeue: boolean;
  readonly requeueLimit: number | null;
  readonly requeueCount: number;
  /** Failures, and cancels by the forge, in a row of this requeue chain: sets the backoff of the next. */
  readonly failureCount: number;
  readonly createdBy: string;
  /** The attempt that speaks for this job; stays set after the end. */
  readonly attemptId: string | null;
  /** Attempts so far that were sent and found absent: the second fails the job. */
  readonly absentCount: number;
  /** Not claimed before this moment (backoff). */
  readonly notBefore: number | null;
  readonly triggeredAt: number | null;
  readonly startedAt: number | null;
  readonly completedAt: number | null;
  readonly runId: string | null;
  /** The run's page for people (the forge's `html_url`). */
  readonly runUrl: string;
  readonly runCreatedAt: number | null;
  readonly runStartedAt: number | null;
  readonly runCompletedAt: number | null;
  /** The forge's id of the runner. */
  readonly runnerId: string | null;
  readonly runnerName: string;
  readonly errorMessage: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Where a job goes: its overrides laid over its template. A field is `''` when neither gives it. */
export interface DispatchTarget {
  readonly owner: string;
  readonly repo: string;
  readonly workflowId: string;
  readonly ref: string;
}

export type WorkflowTarget = Pick<DispatchTarget, 'owner' | 'repo' | 'workflowId'>;

export const targetFields = ['owner', 'repo', 'workflowId', 'ref'] as const;

type TargetSource = { readonly [K in keyof DispatchTarget]: string | null };

export function targetOf(job: TargetSource, template: DispatchTarget | undefined): DispatchTarget {
  return {
    owner: job.owner || template?.owner || '',
    repo: job.repo || template?.repo || '',
    workflowId: job.workflowId || template?.workflowId || '',
    ref: job.ref || template?.ref || '',
  };
}

/** The names of the fields without which nothing can be sent. */
export function missingTargetFields(target: DispatchTarget): string[] {
  const names = { owner: 'owner', repo: 'repo', workflowId: 'workflow_id', ref: 'ref' } as const;
  return (Object.keys(names) as (keyof DispatchTarget)[])
    .filter((field) => target[field] === '')
    .map((field) => names[field]);
}

/** The forge says `skipped` and `neutral` of what was not to run: the job is done. The rest fail or cancel it. */
export function endOf(conclusion: string | null): EndedState {
  switch (conclusion) {
    case 'success':
    case 'skipped':
    case 'neutral':
      return 'completed';
    case 'cancelled':
      return 'cancelled';
    case null:
    default:
      return 'failed';
  }
}

const FIRST_BACKOFF_MS = 30_000;
export const LONGEST_BACKOFF_MS = 15 * 60_000;

/** 30 s × 2^(n−1), at most 15 min, for the n-th failure in a row of a requeue chain; 0 for none. */
export function requeueBackoffMs(failures: number): number {
  if (failures <= 0) return 0;
  return Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(failures - 1, 10), LONGEST_BACKOFF_MS);
}

export interface Requeue {
  readonly requeueCount: number;
  readonly failureCount: number;
  /** `null`: may start at once. */
  readonly notBefore: number | null;
}

/** Of a job whose run the forge, or somebody there, cancelled: nobody here had wished it. */
export const CANCELLED_BY_FORGE = 'cancelled by the forge: concurrency group?';

/**
 * How a job ended, for what follows it:
 * - `cancelled-by-forge`: a cancel that nobody here wished is like a failure: two chains in one concurrency group would
 *   cancel each other for ever, as fast as they can be sent
 * - `outcome-unknown`: what it started may be under way, unseen. The next of its chain would be that work a second time
 */
export type RequeueCause = EndedState | 'cancelled-by-forge' | 'outcome-unknown';

/** What follows a job that ended by `cause`, or `undefined` when its chain is over. Limit N = N+1 runs. */
export function requeueOf(
  job: Pick<Job, 'autoRequeue' | 'requeueLimit' | 'requeueCount' | 'failureCount'>,
  cause: RequeueCause,
  now: number,
): Requeue | undefined {
  if (!job.autoRequeue || cause === 'outcome-unknown') return undefined;
  if (job.requeueLimit !== null && job.requeueCount >= job.requeueLimit) return undefined;
  const isSetback = cause === 'failed' || cause === 'cancelled-by-forge';
  const failureCount = isSetback ? job.failureCount + 1 : 0;
  const backoffMs = requeueBackoffMs(failureCount);
  return {
    requeueCount: job.requeueCount + 1,
    failureCount,
    notBefore: backoffMs === 0 ? null : now + backoffMs,
  };
}

export const RANK_GAP = 2 ** 20;
export const PRIORITY_MIN = -100;
export const PRIORITY_MAX = 100;
