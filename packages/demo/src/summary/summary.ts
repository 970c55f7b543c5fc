import { idealMakespanMs } from '@dispatchoor/testbed';
import type { DemoFacts } from './facts.ts';
import { closed, type LongestIdle, longestIdle } from './idle.ts';
import { findLosses, type Losses } from './losses.ts';
import { type JobRun, matchRuns } from './runs.ts';
import { totalMs } from './spans.ts';

export const IDLE_LIMIT_MS = 5_000;
export const MAKESPAN_LIMIT = 1.25;

/** `undefined` where there is nothing to take it from. Milliseconds. */
export interface Percentiles {
  readonly p50: number | undefined;
  readonly p95: number | undefined;
  readonly max: number | undefined;
}

export interface Makespan {
  /** From the first 201 to the end of the last workflow job. */
  readonly ms: number;
  readonly idealMs: number;
  readonly ratio: number;
}

export interface Summary {
  readonly accepted: number;
  /** Status at the end → number of jobs. */
  readonly endings: ReadonlyMap<string, number>;
  readonly losses: Losses;
  /** From a job's 201 to the start of its workflow job. */
  readonly waits: Percentiles;
  /** From the moment a job and the runner that took it were both there to the arrival of the dispatch. */
  readonly dispatchLatency: Percentiles;
  /** Busy time of all runners / (runners × time), 0…1. */
  readonly utilisation: number;
  readonly runners: number;
  readonly spanMs: number;
  readonly longestIdle: LongestIdle | undefined;
  /** Only where every job was to end. */
  readonly makespan: Makespan | undefined;
  readonly dispatchToStartMs: number;
  readonly forgeCalls: ReadonlyMap<string, number>;
  readonly forgeCallsPerJob: number;
  readonly kills: number;
  /** What is not as it must be; empty: all is. */
  readonly failures: readonly string[];
}

export function summarise(facts: DemoFacts): Summary {
  const jobRuns = matchRuns(facts);
  const losses = findLosses(facts, jobRuns);
  const idle = longestIdle(facts, jobRuns);
  const makespan = facts.isComplete ? findMakespan(facts, jobRuns) : undefined;
  const started = jobRuns.filter(({ run }) => run !== undefined).length;
  const { requests, runners } = facts.ledger;
  const forgeCalls = countBy(requests.map(({ endpoint }) => endpoint));
  return {
    accepted: facts.jobs.length,
    endings: countBy(facts.jobs.map(({ status }) => status)),
    losses,
    waits: percentiles(jobRuns.flatMap(waitMs)),
    dispatchLatency: percentiles(latenciesMs(facts, jobRuns)),
    ...findUtilisation(facts, jobRuns),
    runners: runners.length,
    longestIdle: idle,
    makespan,
    dispatchToStartMs: facts.dispatchToStartMs,
    forgeCalls,
    forgeCallsPerJob: started === 0 ? 0 : requests.length / started,
    kills: facts.kills,
    failures: [...lossFailures(losses), ...(facts.kills > 0 ? [] : speedFailures(idle, makespan))],
  };
}

function lossFailures({ lost, doubled, mixedUp }: Losses): string[] {
  const named = { lost, doubled, 'mixed up': mixedUp };
  return Object.entries(named)
    .filter(([, keys]) => keys.length > 0)
    .map(([what, keys]) => `${what}: ${keys.join(', ')}`);
}

/** Not judged when the server was killed: dead, it lets runners idle. */
function speedFailures(idle: LongestIdle | undefined, makespan: Makespan | undefined): string[] {
  const failures: string[] = [];
  if (idle !== undefined && idle.ms > IDLE_LIMIT_MS) {
    failures.push(`a runner idled ${idle.ms} ms beside a job that fits, limit ${IDLE_LIMIT_MS} ms`);
  }
  if (makespan !== undefined && makespan.ratio > MAKESPAN_LIMIT) {
    const ratio = makespan.ratio.toFixed(3);
    failures.push(`makespan is ${ratio} times the ideal, limit ${MAKESPAN_LIMIT}`);
  }
  return failures;
}

function waitMs({ job, startedAt }: JobRun): number[] {
  return startedAt === undefined ? [] : [Math.max(0, startedAt - job.acceptedAt)];
}

function latenciesMs({ ledger }: DemoFacts, jobRuns: readonly JobRun[]): number[] {
  const runners = new Map(ledger.runners.map((runner) => [runner.id, runner]));
  return jobRuns.flatMap(({ job, runnerId, dispatchedAt, startedAt }) => {
    const runner = runnerId === undefined ? undefined : runners.get(runnerId);
    if (runner === undefined || dispatchedAt === undefined || startedAt === undefined) return [];
    const ends = [
      ...runner.busySpans.map(({ to = Infinity }) => to),
      ...runner.onlineSpans.map(({ from }) => from),
    ];
    const freeSince = Math.max(...ends.filter((end) => end <= startedAt));
    return [Math.max(0, dispatchedAt - Math.max(freeSince, job.acceptedAt))];
  });
}

function beginOf(jobRuns: readonly JobRun[]): number {
  // A dispatch can arrive before the reply that says 201.
  const begins = jobRuns.map(({ job, dispatchedAt = Infinity }) =>
    Math.min(job.acceptedAt, dispatchedAt),
  );
  return Math.min(...begins);
}

function findUtilisation(facts: DemoFacts, jobRuns: readonly JobRun[]) {
  const { runners } = facts.ledger;
  const ends = jobRuns.flatMap(({ completedAt }) => completedAt ?? []);
  const end = facts.isComplete && ends.length > 0 ? Math.max(...ends) : facts.until;
  const spanMs = jobRuns.length === 0 ? 0 : end - beginOf(jobRuns);
  const busyMs = runners.reduce((sum, { busySpans }) => sum + totalMs(closed(busySpans, end)), 0);
  return { spanMs, utilisation: spanMs === 0 ? 0 : busyMs / (spanMs * runners.length) };
}

function findMakespan(facts: DemoFacts, jobRuns: readonly JobRun[]): Makespan | undefined {
  const done = jobRuns.flatMap(({ job, startedAt, completedAt, dispatchedAt }) => {
    if (startedAt === undefined || completedAt === undefined) return [];
    const releasedAt = Math.min(job.acceptedAt, dispatchedAt ?? Infinity);
    return [{ ...job, releasedAt, durationMs: completedAt - startedAt, completedAt }];
  });
  if (done.length === 0) return undefined;
  const ms = Math.max(...done.map(({ completedAt }) => completedAt)) - beginOf(jobRuns);
  const idealMs = idealMakespanMs(done, facts.ledger.runners, facts.dispatchToStartMs);
  return { ms, idealMs, ratio: ms / idealMs };
}

/** Nearest rank: a value that occurred, never one between two. */
export function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number | undefined => sorted[Math.ceil(share * sorted.length) - 1];
  return { p50: at(0.5), p95: at(0.95), max: sorted.at(-1) };
}

function countBy(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
