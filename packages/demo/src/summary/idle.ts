import { fits } from '@dispatchoor/testbed';
import type { DemoFacts } from './facts.ts';
import type { JobRun } from './runs.ts';
import { intersect, type Span, subtract, union } from './spans.ts';

/** The longest time a runner idled while a job that fits it waited. */
export interface LongestIdle {
  readonly ms: number;
  readonly runnerName: string;
  readonly from: number;
}

/**
 * A runner idles while it is online, not busy, and not spoken for: from the arrival of a dispatch to the start of
 * its workflow job, the runner that took it counts as taken, for no dispatcher could use it better. A job waits
 * from its 201 until its dispatch arrives at the forge, without the time it or its group was paused; no group of
 * the demo has a cap. An idle stretch counts as long as some job that fits waits, not always the same one.
 */
export function longestIdle(facts: DemoFacts, jobRuns: readonly JobRun[]): LongestIdle | undefined {
  const taken = spokenFor(jobRuns);
  let longest: LongestIdle | undefined;
  for (const runner of facts.ledger.runners) {
    const idle = subtract(closed(runner.onlineSpans, facts.until), [
      ...closed(runner.busySpans, facts.until),
      ...(taken.get(runner.id) ?? []),
    ]);
    const waiting = jobRuns
      .filter(({ job }) => fits(runner, job.labels))
      .flatMap((jobRun) => waitingSpans(jobRun, facts.until));
    for (const { from, to } of intersect(idle, waiting)) {
      if (to - from > (longest?.ms ?? 0)) {
        longest = { ms: to - from, runnerName: runner.name, from };
      }
    }
  }
  return longest;
}

export function closed(spans: readonly { from: number; to?: number | undefined }[], until: number) {
  return union(spans.map(({ from, to = until }) => ({ from, to: Math.min(to, until) })));
}

function waitingSpans({ job, dispatchedAt = Infinity }: JobRun, until: number): Span[] {
  const whole = { from: job.acceptedAt, to: Math.min(dispatchedAt, until) };
  return subtract([whole], job.pausedSpans);
}

function spokenFor(jobRuns: readonly JobRun[]): Map<number, Span[]> {
  const taken = new Map<number, Span[]>();
  for (const { runnerId, dispatchedAt, startedAt } of jobRuns) {
    if (runnerId === undefined || dispatchedAt === undefined || startedAt === undefined) continue;
    const spans = taken.get(runnerId) ?? [];
    spans.push({ from: dispatchedAt, to: startedAt });
    taken.set(runnerId, spans);
  }
  return taken;
}
