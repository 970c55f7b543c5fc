import type { LedgerRequest } from '@dispatchoor/forge-sim';
import { expect } from 'vitest';
import type { Site } from '../../processes/site.ts';

const SECOND_MS = 1_000;
const WARN = 40;

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What a server of these tests may ask in a second, and say. */
export interface Load {
  readonly pollMs: number;
  readonly trackMs: number;
  /** The shortest pause before something that failed is tried again. */
  readonly retryMs: number;
  /** Jobs under way at the same time. */
  readonly jobs: number;
}

/**
 * Calls a second, worked out from the intervals: every poll is one listing, doubled by polls that an end brings
 * forward and once more where the pages do not fit; every look at runs is one listing, and for each job under way its
 * workflow jobs, its run and its repository; a job is sent, or cancelled, once in each pause; a job's own life (sent,
 * runner taken, runner left, ended) wakes each loop a few times.
 */
export function callsPerSecond({ pollMs, trackMs, retryMs, jobs }: Load): number {
  const polls = (4 * SECOND_MS) / pollMs;
  const looks = ((2 + 3 * jobs) * SECOND_MS) / trackMs;
  const retries = (2 * jobs * SECOND_MS) / retryMs;
  return Math.ceil(polls + looks + retries + 6 * jobs + 4);
}

/** The most requests that came within one second of the span. */
export function busiestSecond(requests: readonly LedgerRequest[], { from, to }: Span): number {
  const times = requests.map(({ at }) => at).filter((at) => at >= from && at <= to);
  let most = 0;
  for (let first = 0, last = 0; last < times.length; last += 1) {
    while ((times[last] ?? 0) - (times[first] ?? 0) >= SECOND_MS) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

interface Line {
  readonly level: number;
  readonly at: number;
  readonly msg: string;
}

/** The log as far as an operator with the default level sees it. */
function visibleLines(logLines: readonly string[], { from, to }: Span): Line[] {
  return logLines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { level: number; time: string; msg: string })
    .map(({ level, time, msg }) => ({ level, at: Date.parse(time), msg }))
    .filter(({ level, at }) => level >= WARN && at >= from && at <= to);
}

export interface Metered {
  /** In the busiest second. */
  readonly busiest: number;
  /** Warnings and errors, a second on average. */
  readonly warnings: number;
}

/** No hot loop: neither towards the forge nor in the log. */
export function expectCalm(
  site: Site,
  logLines: readonly string[],
  span: Span,
  load: Load,
): Metered {
  const allowed = callsPerSecond(load);
  const busiest = busiestSecond(site.sim.ledger().requests, span);
  expect(busiest, 'calls in the busiest second').toBeLessThanOrEqual(allowed);
  const seconds = Math.max(1, (span.to - span.from) / SECOND_MS);
  const warnings = visibleLines(logLines, span).length / seconds;
  // No more than one for each call that may fail.
  expect(warnings, 'warnings a second').toBeLessThanOrEqual(allowed);
  return { busiest, warnings };
}
