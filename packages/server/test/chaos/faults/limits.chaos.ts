import type { Job } from '@dispatchoor/api-contract';
import type { ForgeSim, LedgerRequest } from '@dispatchoor/forge-sim';
import { expect } from 'vitest';
import { acme, TOKEN } from '../../harness/fixtures.ts';
import { sqlite } from '../../harness/world.ts';
import { Site } from '../../processes/site.ts';
import { verify } from '../../processes/verify/verify.ts';
import { type ChaosContext, chaos } from '../chaos.ts';

/** Moments are told in whole seconds, and two clocks are read. */
const TOLERANCE_MS = 50;
const RETRY_AFTER_S = 3;
/** Of the hour's requests: fewer than the jobs need. */
const LEFT = 5;
const RUNNERS = 4;
/** What is on its way until a limit's answer is read, however long that takes: one for each loop, and a dispatch for each runner. */
const ON_ITS_WAY = RUNNERS + 4;

chaos('faults:limits:primary a used-up hour is waited out', async (context) => {
  // No limit until all is set up. Then a window that ends soon: GitHub's are an hour long, and never change their end,
  // so one that was told before could not be made shorter.
  const site = await openSite(context, (sim) => {
    sim.setRateLimit(TOKEN, null);
  });
  const usedUpAt = Date.now();
  const windowMs = context.size === 'full' ? 20_000 : 12_000;
  const resetAt = Math.ceil((usedUpAt + windowMs) / 1_000) * 1_000;
  site.sim.setRateLimit(TOKEN, { remaining: LEFT, resetAt });
  const jobs = await load(site, context);
  const counts = await verify(site, jobs);
  const { requests } = site.sim.ledger();
  const refused = requests.filter(isLimited).length;
  expect(refused, 'requests refused').toBeLessThanOrEqual(ON_ITS_WAY);
  const asked = askedWithin(requests.filter(isCharged), usedUpAt, resetAt - TOLERANCE_MS);
  expect(asked.length - refused, 'requests answered').toBeLessThanOrEqual(LEFT);
  const after = askedWithin(requests, resetAt - TOLERANCE_MS, Infinity);
  expect(after.length, 'requests once the window is over').toBeGreaterThan(0);
  return { ...counts, 'requests refused': refused, limitedMs: resetAt - usedUpAt };
});

chaos('faults:limits:secondary what it says is waited, each time', async (context) => {
  const { site, jobs } = await underLoad(context);
  const hits = context.size === 'full' ? 4 : 2;
  for (let hit = 1; hit <= hits; hit += 1) {
    const met = site.sim.ledger().requests.filter(isLimited).length;
    const fault = { on: '*', kind: 'secondary-limit', retryAfterS: RETRY_AFTER_S } as const;
    site.sim.addFault(fault);
    await site.sim.wait(({ requests }) => requests.filter(isLimited).length > met, {
      timeoutMs: site.giveUpAfterMs,
    });
  }
  const counts = await verify(site, jobs);
  const { requests } = site.sim.ledger();
  const limited = requests.filter(isLimited);
  for (const { repliedAt = 0 } of limited) {
    const until = repliedAt + RETRY_AFTER_S * 1_000 - TOLERANCE_MS;
    const asked = askedWithin(requests, repliedAt, until);
    expect(asked.length, `requests while limited: ${asked.join('; ')}`).toBeLessThanOrEqual(
      ON_ITS_WAY,
    );
  }
  return { ...counts, 'requests refused': limited.length };
});

/** The forge's own count: more dispatches are wanted at once than it takes in a minute. */
chaos('faults:limits:content more dispatches than a minute allows', async (context) => {
  if (context.size === 'small') context.skip('its window is a minute long');
  const { site, jobs } = await underLoad(context, (sim) => {
    // All of them but for one wait.
    sim.setSecondaryLimits({ contentPerMinute: 25 });
  });
  const counts = await verify(site, jobs);
  const { requests } = site.sim.ledger();
  const refused = requests.filter(isLimited).length;
  expect(refused, 'requests refused').toBeLessThanOrEqual(ON_ITS_WAY);
  return { ...counts, 'requests refused': refused };
});

/** What has not changed, and the limit itself, may be asked for as often as one likes. */
function isCharged({ status, endpoint }: LedgerRequest): boolean {
  return status !== 304 && endpoint !== 'rateLimit';
}

async function underLoad(
  context: ChaosContext,
  prepare?: (sim: ForgeSim) => void,
): Promise<{ site: Site; jobs: Job[] }> {
  const site = await openSite(context, prepare);
  return { site, jobs: await load(site, context) };
}

/** @param prepare before its server starts */
async function openSite(context: ChaosContext, prepare?: (sim: ForgeSim) => void): Promise<Site> {
  const giveUpAfterMs = 150_000;
  const forge = acme(RUNNERS);
  const site = await Site.open({ database: sqlite, forge, giveUpAfterMs }, context);
  prepare?.(site.sim);
  await site.start();
  return site;
}

function load(site: Site, { size }: ChaosContext): Promise<Job[]> {
  const count = size === 'full' ? 40 : 16;
  const notes = Array.from({ length: count }, (_, index) => `job ${index + 1}`);
  return site.enqueue(notes, { 'duration-ms': '300' });
}

function isLimited({ status, fault }: LedgerRequest): boolean {
  return status === 403 || status === 429 || fault === 'secondary-limit';
}

function askedWithin(requests: readonly LedgerRequest[], from: number, to: number): string[] {
  return requests
    .filter(({ at }) => at > from && at < to)
    .map(({ endpoint, at }) => `${endpoint}, ${at - from} ms after`);
}
