import { expect } from 'vitest';
import { databases, type TestDatabase } from '../../src/store/databases.testkit.ts';
import { killWindows } from '../processes/kill-window.ts';
import { Site } from '../processes/site.ts';
import { verify } from '../processes/verify/verify.ts';
import { type ChaosContext, type ChaosCounts, chaos } from './chaos.ts';
import { planDeaths, windowDeath } from './kill-plan.ts';
import { KillRecord } from './kill-record.ts';
import { live } from './lives.ts';
import { Load, planJobs } from './load.ts';
import { namedScenario } from './scenario.ts';

const SIZES = {
  small: { jobs: 20, kills: 5, plan: { timedShare: 0, maxHit: 1 }, least: 0 },
  full: { jobs: 200, kills: 50, plan: { timedShare: 0.5, maxHit: 3 }, least: 5 },
} as const;

/** Three loops that look every 150 and 200 ms, for each of a few servers' lives, and what dispatches take. */
const FORGE_CALLS_PER_MINUTE = 2_000;

for (const database of databases) {
  const title = `kill:${database.name} loses and doubles nothing, killed at any moment of many dispatches`;
  chaos(title, (context) => killAgainAndAgain(context, database));
}

async function killAgainAndAgain(
  context: ChaosContext,
  database: TestDatabase,
): Promise<ChaosCounts> {
  const { size, random } = context;
  const { jobs, kills, plan: options, least } = SIZES[size];
  const config = { waits: { lease: '1500ms' } };
  const site = await Site.open({ database, ...namedScenario(12), config }, context);
  const load = new Load(site, planJobs(random, jobs, [500, 3_000]));
  const plan = planDeaths(random, kills, options);
  holdReplies(site, context, 4 * jobs);
  await (await site.start()).kill('SIGTERM');
  const record = new KillRecord(site);
  for (const [index, planned] of plan.entries()) {
    const needed = record.findNeed(least, kills - index);
    const death = needed === undefined ? planned : windowDeath(needed, random);
    const onListening = (): void => {
      record.decide();
    };
    await live(site, load, { death, jobs: jobs / kills, onListening });
    await record.exhume();
    const hits = Object.values(record.counts()).join(' ');
    context.say(`${index + 1}: ${JSON.stringify(death)}, jobs ${load.accepted.length}, ${hits}`);
  }
  await site.start();
  record.decide();
  await load.add();
  const allowed = { notFound: kills, forgeCallsPerMinute: FORGE_CALLS_PER_MINUTE };
  const counts = await verify(site, load.accepted, allowed);
  for (const window of killWindows)
    expect(record.hits(window), window).toBeGreaterThanOrEqual(least);
  return { kills, ...record.counts(), ...counts };
}

/** Each dispatch reply is kept so long, drawn from the seed. */
function holdReplies(site: Site, { random }: ChaosContext, count: number): void {
  for (let each = 0; each < count; each += 1) {
    site.sim.addFault({ on: 'dispatch', kind: 'latency', latencyMs: random.within([50, 500]) });
  }
}
