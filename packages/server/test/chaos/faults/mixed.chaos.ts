import { expect } from 'vitest';
import { TOKEN } from '../../harness/scenes.ts';
import { sqlite } from '../../harness/world.ts';
import { judge } from '../../processes/judge/judge.ts';
import { Site } from '../../processes/site.ts';
import { chaos } from '../chaos.ts';
import { enqueueMany, untilFewLeft } from './few-left.ts';
import { busiestSecond, callsPerSecond } from './meter.ts';
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
const CONVERGES_WITHIN_MS = 30_000;
/** Refused for good, or lost twice, of all jobs; either starts nothing. */
const MOST_FAILED = 0.05;

chaos(
  'faults:mixed a tenth of all requests meets a fault',
  async (context) => {
    const { jobs, runners, limits } = SIZES[context.size];
    const site = await Site.open(
      {
        ...{ database: sqlite, forge: mixedForge(runners), groups: mixedGroups, config: WAITS },
        giveUpAfterMs: CONVERGES_WITHIN_MS,
      },
      context,
    );
    // What an hour allows is another scenario's: so many jobs would use it up.
    site.sim.setRateLimit(TOKEN, { limit: 1_000_000, remaining: 1_000_000 });
    const server = await site.start();
    const endFaults = mixFaults(site.sim, limits);
    context.onTestFinished(endFaults);
    const startedAt = Date.now();
    const accepted = await enqueueMany(site, jobs, (index) => {
      const inputs = { note: `job ${index + 1}`, 'duration-ms': String(100 + (index % 5) * 50) };
      return { template_id: templateOf(index), inputs };
    });
    await untilFewLeft(site, Math.ceil(jobs / 50), context.say);
    const faults = countFaults(site.sim);
    endFaults();
    const endedAt = Date.now();
    const mostFailed = Math.ceil(jobs * MOST_FAILED);
    const allowed = { notFound: mostFailed, refused: mostFailed, lateRuns: 'any' } as const;
    const counts = await judge(site, accepted, allowed);
    expect(counts.failed, 'jobs that failed').toBeLessThanOrEqual(mostFailed);
    const pace = { pollMs: 500, trackMs: 300, retryMs: 300, jobs: runners };
    const span = { from: startedAt, to: endedAt };
    const busiest = busiestSecond(site.sim.ledger().requests, span);
    expect(busiest, 'calls in the busiest second').toBeLessThanOrEqual(callsPerSecond(pace));
    return {
      ...counts,
      ...faults,
      busiest,
      callsPerJob: Math.round((counts['forge calls'] / jobs) * 100) / 100,
      logLines: server.logLines.length,
      faultsMs: endedAt - startedAt,
      convergesMs: Date.now() - endedAt,
    };
  },
  { timeoutMs: 600_000 },
);
