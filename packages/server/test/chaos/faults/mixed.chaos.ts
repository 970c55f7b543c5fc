import type { Job } from '@dispatchoor/api-contract';
import { expect } from 'vitest';
import { TOKEN } from '../../harness/fixtures.ts';
import { sqlite } from '../../harness/world.ts';
import { Site } from '../../processes/site.ts';
import { verify } from '../../processes/verify/verify.ts';
import type { Counts } from '../../processes/verify/verify-all.ts';
import { type ChaosContext, chaos } from '../chaos.ts';
import { enqueueMany, untilFewLeft } from './few-left.ts';
import { busiestSecond, callsPerSecond, type Span } from './meter.ts';
import { countFaults, mixedForge, mixedGroups, mixFaults, templateOf } from './mixed.ts';

const SIZES = {
  small: { jobs: 60, runners: 10, limits: 1 },
  full: { jobs: 2_000, runners: 80, limits: 5 },
};

const WAITS = {
  github: { poll_interval: '500ms', request_timeout: '1s' },
  dispatcher: {
    interval: '300ms',
    tracking_interval: '300ms',
    send_deadline: '1s',
    run_lookup_timeout: '3s',
    pickup_timeout: '20s',
    recheck_after: '500ms',
  },
  waits: {
    forge_breaker: '600ms',
    reconnect: '300ms',
    retry: '300ms',
    probe: '500ms',
    cancel_retry: '500ms',
    force_cancel: '1s',
    unreadable_run: '5s',
  },
};

/** Once the faults are over: what was lost is looked for this long, and a busy machine is slow. */
const CONVERGES_WITHIN_MS = 120_000;
/** Refused for good, or lost twice, of all jobs; either starts nothing. */
const MOST_FAILED = 0.05;

chaos('faults:mixed a tenth of all requests meets a fault', async (context) => {
  const { jobs: count, runners, limits } = SIZES[context.size];
  const site = await openSite(context, runners);
  const server = await site.start();
  const endFaults = mixFaults(site.sim, limits);
  context.onTestFinished(endFaults);
  const from = Date.now();
  const jobs = await enqueueJobs(site, count);
  await untilFewLeft(site, Math.ceil(count / 50), context.say);
  const faults = countFaults(site.sim);
  endFaults();
  const to = Date.now();
  const counts = await verifyMixed(site, jobs);
  return {
    ...{ ...counts, ...faults, busiest: expectNoHotLoop(site, { from, to }, runners) },
    callsPerJob: Math.round((counts['forge calls'] / count) * 100) / 100,
    ...{ logLines: server.logLines.length, faultsMs: to - from, convergesMs: Date.now() - to },
  };
});

async function openSite(context: ChaosContext, runners: number): Promise<Site> {
  const scenario = { forge: mixedForge(runners), groups: mixedGroups, config: WAITS };
  const options = { database: sqlite, ...scenario, giveUpAfterMs: CONVERGES_WITHIN_MS };
  const site = await Site.open(options, context);
  // What an hour allows is another scenario's: so many jobs would use it up.
  site.sim.setRateLimit(TOKEN, { limit: 1_000_000, remaining: 1_000_000 });
  return site;
}

function enqueueJobs(site: Site, count: number): Promise<Job[]> {
  return enqueueMany(site, count, (index) => {
    const inputs = { note: `job ${index + 1}`, 'duration-ms': String(100 + (index % 5) * 50) };
    return { template_id: templateOf(index), inputs };
  });
}

async function verifyMixed(site: Site, jobs: readonly Job[]): Promise<Counts> {
  const most = Math.ceil(jobs.length * MOST_FAILED);
  const allowed = { notFound: most, refused: most, lateRuns: 'any' } as const;
  const counts = await verify(site, jobs, allowed);
  expect(counts.failed, 'jobs that failed').toBeLessThanOrEqual(most);
  return counts;
}

/** @returns the calls in the busiest second */
function expectNoHotLoop({ sim }: Site, span: Span, runners: number): number {
  const pace = { pollMs: 500, trackMs: 300, retryMs: 300, jobs: runners };
  const busiest = busiestSecond(sim.ledger().requests, span);
  expect(busiest, 'calls in the busiest second').toBeLessThanOrEqual(callsPerSecond(pace));
  return busiest;
}
