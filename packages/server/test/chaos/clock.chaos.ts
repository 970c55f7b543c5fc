import { databases, type TestDatabase } from '../../src/store/databases.testkit.ts';
import { acme, plainGroups } from '../harness/fixtures.ts';
import { Site } from '../processes/site.ts';
import { verify } from '../processes/verify/verify.ts';
import { type ChaosContext, type ChaosCounts, chaos } from './chaos.ts';
import { findFakeClock } from './fake-clock.ts';
import { planDeaths } from './kill-plan.ts';
import { live } from './lives.ts';
import { Load, planJobs } from './load.ts';
import { giveUpAfterMs, namedScenario } from './scenario.ts';

const TWO_MINUTES_MS = 120_000;

/** A forge that fails opens a breaker: here it is soon closed again. */
const CONFIG = { waits: { lease: '1500ms', forge_breaker: '2s' } };

for (const [name, offsetMs] of [
  ['clock:forge-ahead', TWO_MINUTES_MS],
  ['clock:forge-behind', -TWO_MINUTES_MS],
] as const) {
  const title = `${name} runs each job once though servers die and answers are lost`;
  chaos(title, (context) =>
    onEach(context, (database) => withSkewedForge(context, database, offsetMs)),
  );
}

chaos('clock:stepped-back runs each job once though the wall clock steps under load', (context) =>
  onEach(context, (database) => withSteppedClock(context, database)),
);

/** Both databases; when small, one of them by the seed. */
async function onEach(
  { size, random }: ChaosContext,
  run: (database: TestDatabase) => Promise<ChaosCounts>,
): Promise<ChaosCounts> {
  const isFirst = random.next() < 0.5;
  const chosen = databases.filter((_, index) => size === 'full' || (index === 0) === isFirst);
  const sums: Record<string, number> = {};
  for (const database of chosen) {
    for (const [what, count] of Object.entries(await run(database))) {
      sums[what] = (sums[what] ?? 0) + count;
    }
  }
  return sums;
}

/** One runner, so that one dispatch is under way at a time: runs are told apart by their times alone. */
async function withSkewedForge(
  context: ChaosContext,
  database: TestDatabase,
  offsetMs: number,
): Promise<ChaosCounts> {
  const { size, random, say } = context;
  const { jobs, kills } = size === 'full' ? { jobs: 32, kills: 8 } : { jobs: 6, kills: 1 };
  const scenario = { forge: acme(1), groups: plainGroups, config: CONFIG, giveUpAfterMs };
  const site = await Site.open({ database, ...scenario }, context);
  site.sim.clock.setOffset(offsetMs);
  loseAnswers(site);
  const load = new Load(site, planJobs(random, jobs, [50, 300]));
  await (await site.start()).kill('SIGTERM');
  for (const death of planDeaths(random, kills, { timedShare: 0.5, maxHit: 2 })) {
    await live(site, load, { death, jobs: Math.floor(jobs / (kills + 1)) });
    say(`${database.name}: ${JSON.stringify(death)}, jobs ${load.accepted.length}`);
  }
  await site.start();
  await load.add();
  await site.allEnded();
  const notFound = kills + countFaults(site, 'status-before');
  return { kills, ...(await verify(site, load.accepted, { notFound })), ...faultCounts(site) };
}

/** Minutes that the server's clock is put to, after each of which some jobs are added. */
function planSteps({ size, random }: ChaosContext): number[] {
  const count = size === 'full' ? 6 : 2;
  return Array.from({ length: count }, (_, index) =>
    // Back from where it was, and forward again, by up to ten minutes.
    index % 2 === 0 ? -random.within([60, 600]) : random.within([0, 120]),
  );
}

async function withSteppedClock(
  context: ChaosContext,
  database: TestDatabase,
): Promise<ChaosCounts> {
  const { size, random, say, skip } = context;
  const fake = await findFakeClock(context);
  if (fake === undefined)
    return skip('libfaketime is not installed (Debian: apt-get install libfaketime)');
  const jobsPerStep = size === 'full' ? 12 : 4;
  const steps = planSteps(context);
  const site = await Site.open({ database, ...namedScenario(4), config: CONFIG }, context);
  loseAnswers(site);
  const count = jobsPerStep * (steps.length + 1);
  const load = new Load(site, planJobs(random, count, [100, 800]));
  await site.start({ env: fake.env });
  await load.add(jobsPerStep);
  for (const offsetS of steps) {
    await fake.set(offsetS);
    await site.until(
      `a clock that is ${offsetS} s off`,
      () => site.api.ask('/health'),
      ({ headers }) => Math.abs(skewMs(headers) - offsetS * 1_000) < 10_000,
    );
    say(`${database.name}: ${offsetS} s, jobs ${load.accepted.length}`);
    await load.add(jobsPerStep);
  }
  await site.allEnded();
  const notFound = countFaults(site, 'status-before');
  const counts = await verify(site, load.accepted, { notFound });
  return { 'clock steps': steps.length, ...counts, ...faultCounts(site) };
}

function skewMs(headers: Headers): number {
  return Date.parse(headers.get('date') ?? '') - Date.now();
}

/** Some dispatches are carried out without an answer, some are not carried out, all are answered late. */
function loseAnswers({ sim }: Site): void {
  const always = { on: 'dispatch', times: 'always' } as const;
  sim.addFault({ ...always, kind: 'reset-after', probability: 0.2 });
  sim.addFault({ ...always, kind: 'status-before', probability: 0.08 });
  sim.addFault({ ...always, kind: 'latency', latencyMs: 150 });
}

/** To be counted once all jobs have ended: until then more are sent, and more are lost. */
function countFaults(site: Site, kind: string): number {
  return site.dispatches().filter(({ fault }) => fault === kind).length;
}

function faultCounts(site: Site): ChaosCounts {
  return {
    'answers lost': countFaults(site, 'reset-after'),
    'dispatches not carried out': countFaults(site, 'status-before'),
  };
}
