/**
 * What a forge reports by itself. Deliveries get lost, come twice and overtake each other, so each is an observation
 * with a time, and what is known of a run or a workflow job only ever moves forward: whatever the order in which
 * the same observations arrive, they end in the same state.
 */
import type { Run, WorkflowJob } from './attempt.ts';
import { STAMP_STEP_MS } from './stamp-step.ts';

/** One delivery, in our own terms. Times are epoch milliseconds of the forge's clock. */
export type WebhookObservation =
  | {
      readonly kind: 'run';
      readonly owner: string;
      readonly repo: string;
      readonly run: Run;
      readonly at: number;
    }
  | {
      readonly kind: 'workflow-job';
      readonly owner: string;
      readonly repo: string;
      readonly job: WorkflowJob;
      readonly at: number;
    }
  /** The forge tries whether we can be reached. */
  | { readonly kind: 'ping' };

/** When a delivery came: on the forge's clock, as far as we know it. */
export interface Receipt {
  readonly at: number;
  readonly uncertaintyMs: number;
}

/**
 * Nothing is reported before it happens: a stamp that lies after its receipt is believed as far as our estimate of the
 * forge's clock may be off. One of next year, believed, would outdo all that is observed until then.
 */
export function believedStamp(stampMs: number, { at, uncertaintyMs }: Receipt): number {
  return Math.min(stampMs, at + uncertaintyMs + STAMP_STEP_MS);
}

/**
 * When something stamped with whole seconds happened, at the latest: the last millisecond of its second, or its
 * receipt if that was sooner. The latest, because the two mistakes differ: an end that is taken for too late costs
 * one run that waits for a runner a little; one taken for too early is dropped in favour of a listing that was
 * made before it, and the runner idles until the next one.
 */
export function latestMoment(stampMs: number, receipt: Receipt): number {
  const believed = believedStamp(stampMs, receipt);
  return Math.max(believed, Math.min(believed + STAMP_STEP_MS - 1, receipt.at));
}

const RANKS: Readonly<Record<string, number>> = { in_progress: 1, completed: 2 };

/** How far a run or workflow job has come. What is not known counts as still waiting. */
function progressOf(status: string | null): number {
  return RANKS[status ?? ''] ?? 0;
}

/** A state of a run or a workflow job, and when it was so. */
export interface Progress {
  readonly status: string | null;
  /** `null`: never observed. */
  readonly at: number | null;
}

/** Further on beats later; at the same stage the later one wins. A webhook never takes anything back. */
export function isFurther(known: Progress, seen: { status: string; at: number }): boolean {
  const ahead = progressOf(seen.status) - progressOf(known.status);
  if (ahead !== 0) return ahead > 0;
  if (known.at === null || known.at !== seen.at) return (known.at ?? -Infinity) < seen.at;
  // `waiting` and `queued` of the same moment: whichever, but always the same one.
  return (known.status ?? '') < seen.status;
}

/** What is known of a workflow job that some runner has taken. */
export interface TakenJob {
  readonly status: string;
  readonly startedAt: number | null;
  readonly completedAt: number | null;
  /** The moment of its newest observation, by `latestMoment` or a request's send time. */
  readonly observedAt: number;
}

export interface RunnerUse {
  readonly isBusy: boolean;
  /** Listings sent later than this know better. */
  readonly at: number;
}

/**
 * What the workflow jobs on one runner say about it. A runner does one at a time, so the one that started last
 * decides: earlier ones are over, even if nothing reported that. Several may have started within one second: as long as one of
 * them is not known to be over the runner is busy. An idle runner costs time until the next listing; a second run
 * sent to a busy one takes another job's turn.
 *
 * @returns `undefined` when they show nothing
 */
export function runnerUseOf(jobs: readonly TakenJob[]): RunnerUse | undefined {
  const taken = jobs.filter((job) => progressOf(job.status) > 0);
  const lastStart = Math.max(...taken.map(startOf));
  const last = taken.filter((job) => startOf(job) === lastStart);
  if (last.length === 0) return undefined;
  const open = last.filter((job) => progressOf(job.status) === 1);
  const moments = (open.length > 0 ? open : last).map(momentOf);
  return { isBusy: open.length > 0, at: Math.max(...moments) };
}

/** What was observed had started. */
function startOf({ startedAt, observedAt }: TakenJob): number {
  return startedAt === null ? -Infinity : Math.min(startedAt, observedAt);
}

/** A poll may have seen an end long after it. */
function momentOf({ status, completedAt, observedAt }: TakenJob): number {
  if (progressOf(status) < 2 || completedAt === null) return observedAt;
  return Math.min(completedAt + STAMP_STEP_MS - 1, observedAt);
}
