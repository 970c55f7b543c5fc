import type { LedgerRequest } from '@dispatchoor/forge-sim';
import { expect } from 'vitest';
import { busiest } from '../../processes/busiest.ts';
import type { Site } from '../../processes/site.ts';
import { listWarnings } from '../warnings.ts';

const SECOND_MS = 1_000;

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** How often a server looks, and what it has to look after. */
export interface Pace {
  readonly pollMs: number;
  readonly trackMs: number;
  /** The shortest pause before something that failed is tried again. */
  readonly retryMs: number;
  /** Jobs under way at the same time. */
  readonly jobs: number;
}

/**
 * Calls a second, worked out from the intervals: a scope is polled every half interval at the most; every look at runs
 * is one listing and one call for each job under way; what failed is tried again once in each pause; and a job's own
 * life (sent, runner taken, runner left, ended) wakes the loops, a few calls each. A loop that spins asks again every
 * 20 ms, and more than one thing.
 */
export function callsPerSecond({ pollMs, trackMs, retryMs, jobs }: Pace): number {
  const polls = (2 * SECOND_MS) / pollMs;
  const looks = ((1 + jobs) * SECOND_MS) / trackMs;
  const retries = (jobs * SECOND_MS) / retryMs;
  return Math.ceil(polls + looks + retries + 3 * jobs + 4);
}

/** Of one call that fails: it is made again no sooner than after the shortest of the pauses, for each job. */
function failuresPerSecond({ pollMs, trackMs, retryMs, jobs }: Pace): number {
  return Math.ceil(((1 + jobs) * SECOND_MS) / Math.min(pollMs, trackMs, retryMs));
}

/** The most requests that came within one second of the span. */
export function busiestSecond(requests: readonly LedgerRequest[], span: Span): number {
  const times = requests.map(({ at }) => at);
  return busiest(times.filter(isIn(span)), SECOND_MS);
}

function isIn({ from, to }: Span): (at: number) => boolean {
  return (at) => at >= from && at <= to;
}

export interface Metered {
  /** In the busiest second. */
  readonly busiest: number;
  /** Of the call that failed, a second on average. */
  readonly failures: number;
  /** Warnings and errors, a second on average. */
  readonly warnings: number;
}

export interface Strike {
  /** From the start of the server to the end of the fault. */
  readonly all: Span;
  /** From the first request that the fault met. */
  readonly struck: Span;
  /** So many it has met. */
  readonly met: number;
}

/** No hot loop: neither towards the forge nor in the log. */
export function expectCalm(
  site: Site,
  logLines: readonly string[],
  { all, struck, met }: Strike,
  pace: Pace,
): Metered {
  const busiest = busiestSecond(site.sim.ledger().requests, all);
  expect(busiest, 'calls in the busiest second').toBeLessThanOrEqual(callsPerSecond(pace));
  const failures = met / secondsOf(struck);
  const allowed = failuresPerSecond(pace);
  expect(failures, 'calls that failed, a second').toBeLessThanOrEqual(allowed);
  const told = listWarnings(logLines).map(({ at }) => at);
  const warnings = told.filter(isIn(all)).length / secondsOf(all);
  // The same trouble is news once.
  expect(warnings, 'warnings a second').toBeLessThanOrEqual(allowed);
  return { busiest, failures, warnings };
}

function secondsOf({ from, to }: Span): number {
  return Math.max(1, (to - from) / SECOND_MS);
}
