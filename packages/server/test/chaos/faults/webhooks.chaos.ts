import { expect } from 'vitest';
import { acme } from '../../harness/scenes.ts';
import { sqlite } from '../../harness/world.ts';
import type { ServerProcess } from '../../processes/server-process.ts';
import { Site } from '../../processes/site.ts';
import { chaos } from '../chaos.ts';
import { enqueueMany, untilFewLeft } from './few-left.ts';
import { expectAllRight } from './verdict.ts';

const SECRET = 'whsec-0f-the-chaos-suite-000000000';
/** Of each, while they do not go wrong; the most that anything may wait once nothing does. */
const SELDOM_MS = 10_000;
/** What a busy machine may take for the rest: to send, run and see what is left. */
const SLACK_MS = 15_000;

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
  const { jobs, more, runners } = SIZES[context.size];
  const giveUpAfterMs = 90_000;
  const site = await Site.open(
    {
      ...{ database: sqlite, forge: acme(runners), config: WAITS, giveUpAfterMs },
    },
    context,
  );
  const server = await site.start();
  const { sim } = site;
  sim.addHook({ url: `${server.url}/webhook/github/github`, secret: SECRET });
  sim.setHookFaults({ lost: 0.2, doubled: 0.2, reordered: true });
  const enqueue = (count: number): Promise<void> =>
    enqueueMany(site, count, (index) => {
      const inputs = { note: `job ${index + 1}`, 'duration-ms': String(100 + (index % 5) * 100) };
      return { template_id: 'build', inputs };
    });
  await enqueue(jobs);
  await untilFewLeft(site, Math.ceil(jobs / 10), context.say);
  sim.setHookFaults({});
  const convergesMs = await timed(() => untilFewLeft(site, 0, context.say));
  expect(convergesMs, 'until all was over').toBeLessThanOrEqual(SELDOM_MS + SLACK_MS);
  // From here on nothing is told any more: what was polled seldom is polled again.
  sim.pauseHooks();
  await enqueue(more);
  const withoutMs = await timed(() => untilFewLeft(site, 0, context.say));
  const outcome = await expectAllRight(site, jobs + more);
  expectNoSecret(server);
  const {
    total,
    lost,
    doubled,
    reordered,
    refused,
    failed: unanswered,
  } = sim.ledger().deliveryCounts;
  expect({ refused, unanswered }, 'deliveries that were not taken').toEqual({
    refused: 0,
    unanswered: 0,
  });
  return {
    ...{ ...outcome, deliveries: total, lost, doubled, reordered },
    ...{
      convergesMs,
      withoutMs,
      callsPerJob: Math.round((outcome.calls / (jobs + more)) * 100) / 100,
    },
  };
});

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
