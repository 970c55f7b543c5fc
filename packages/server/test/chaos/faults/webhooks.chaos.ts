import type { Job } from '@dispatchoor/api-contract';
import { expect } from 'vitest';
import { acme } from '../../harness/fixtures.ts';
import { sqlite } from '../../harness/world.ts';
import type { ServerProcess } from '../../processes/server-process.ts';
import { Site } from '../../processes/site.ts';
import { verify } from '../../processes/verify/verify.ts';
import { type ChaosContext, type ChaosCounts, chaos } from '../chaos.ts';
import { enqueueMany, untilFewLeft } from './few-left.ts';

const SECRET = 'whsec-0f-the-chaos-suite-000000000';
/** Of each, while they do not go wrong; the most that anything may wait once nothing does. */
const SELDOM_MS = 10_000;
/** What a busy machine may take for the rest: to send, run and see what is left. */
const SLACK_MS = 60_000;

const WAITS = {
  github: {
    webhook_secret: SECRET,
    poll_interval: '2s',
    poll_interval_with_webhooks: `${SELDOM_MS}ms`,
    webhook_grace: '1s',
  },
  dispatcher: {
    interval: '2s',
    tracking_interval: '2s',
    tracking_interval_with_webhooks: `${SELDOM_MS}ms`,
  },
};

const SIZES = {
  small: { jobs: 30, more: 8, runners: 6 },
  full: { jobs: 400, more: 60, runners: 20 },
};

chaos('faults:webhooks lost, doubled and turned around, then lost for good', async (context) => {
  const { jobs: count, more, runners } = SIZES[context.size];
  const { site, server } = await openHooked(context, runners);
  site.sim.setHookFaults({ lost: 0.2, doubled: 0.2, reordered: true });
  const jobs = await enqueueFrom(site, 1, count);
  await untilFewLeft(site, Math.ceil(count / 10), context.say);
  site.sim.setHookFaults({});
  const convergesMs = await timed(() => untilFewLeft(site, 0, context.say));
  expect(convergesMs, 'until all was over').toBeLessThanOrEqual(SELDOM_MS + SLACK_MS);
  // From here on nothing is told any more: what was polled seldom is polled again.
  site.sim.pauseHooks();
  jobs.push(...(await enqueueFrom(site, count + 1, more)));
  const withoutMs = await timed(() => untilFewLeft(site, 0, context.say));
  const counts = await verify(site, jobs);
  expectNoSecret(server);
  const callsPerJob = Math.round((counts['forge calls'] / jobs.length) * 100) / 100;
  return { ...counts, ...countDeliveries(site), convergesMs, withoutMs, callsPerJob };
});

async function openHooked(
  context: ChaosContext,
  runners: number,
): Promise<{ site: Site; server: ServerProcess }> {
  const scenario = { database: sqlite, forge: acme(runners), config: WAITS, giveUpAfterMs: 90_000 };
  const site = await Site.open(scenario, context);
  const server = await site.start();
  site.sim.addHook({ url: `${server.url}/webhook/github/github`, secret: SECRET });
  return { site, server };
}

function enqueueFrom(site: Site, first: number, count: number): Promise<Job[]> {
  return enqueueMany(site, count, (index) => {
    const durationMs = 100 + (index % 5) * 100;
    const inputs = { note: `job ${first + index}`, 'duration-ms': String(durationMs) };
    return { template_id: 'build', inputs };
  });
}

/** All that were sent have been taken. */
function countDeliveries({ sim }: Site): ChaosCounts {
  const { deliveryCounts } = sim.ledger();
  const { total: deliveries, lost, doubled, reordered, refused } = deliveryCounts;
  const { failed: unanswered } = deliveryCounts;
  const untaken = { refused, unanswered };
  expect(untaken, 'deliveries that were not taken').toEqual({ refused: 0, unanswered: 0 });
  return { deliveries, lost, doubled, reordered };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return Math.round(performance.now() - startedAt);
}

function expectNoSecret({ logLines }: ServerProcess): void {
  expect(
    logLines.filter((line) => line.includes(SECRET)),
    'the secret is in a log',
  ).toEqual([]);
}
