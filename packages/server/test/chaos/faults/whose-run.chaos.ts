import { setTimeout as wait } from 'node:timers/promises';
import type { FaultKind } from '@dispatchoor/forge-sim';
import { acme, BY_HAND, dispatchByHand, plainGroups, TOKEN } from '../../harness/fixtures.ts';
import { databases } from '../../harness/world.ts';
import { Site } from '../../processes/site.ts';
import { verify } from '../../processes/verify/verify.ts';
import { type ChaosContext, type ChaosCounts, chaos } from '../chaos.ts';
import { Load, planJobs } from '../load.ts';

const SIZES = {
  small: { jobs: 10, kills: 1 },
  full: { jobs: 80, kills: 4 },
};

/** Lost answers are settled soon: what waits for one waits as long as the shortest of these allow. */
const IMPATIENT = {
  github: { request_timeout: '1s' },
  dispatcher: { send_deadline: '500ms', run_lookup_timeout: '3s', recheck_after: '300ms' },
  waits: { lease: '1500ms', forge_breaker: '600ms', run_visible: '500ms' },
};

/** Carried out and not answered, or neither. */
const LOST = { 'reset-after': 0.15, 'status-after': 0.05, 'status-before': 0.15 } as const;

chaos(
  'whose-run:foreign takes none of the runs that somebody with the same token starts all along',
  async (context) => {
    const site = await openSite(context);
    const load = await firstIsKnown(site, context);
    const ending = startByHand(site, context);
    context.onTestFinished(ending);
    const counts = await runWithKills(site, load, context);
    await ending();
    const byHand = site.sim.ledger().runs.filter(({ inputs }) => inputs['note'] === BY_HAND);
    return { 'runs by hand': byHand.length, ...counts };
  },
);

chaos('whose-run:inputs keeps jobs with different inputs apart by time alone', async (context) => {
  const site = await openSite(context, { groups: plainGroups });
  const { jobs } = SIZES[context.size];
  const load = new Load(site, planJobs(context.random, Math.ceil(jobs / 2), [50, 200]));
  loseAnswers(site);
  return runWithKills(site, load, context);
});

chaos(
  'whose-run:blind starts nothing twice while searches over runs show nothing, on and off',
  async (context) => {
    const site = await openSite(context);
    const load = await firstIsKnown(site, context);
    const ending = blindSearches(site, context);
    context.onTestFinished(async () => {
      await ending();
    });
    const counts = await runWithKills(site, load, context);
    return { 'blind spells': await ending(), ...counts };
  },
);

async function openSite(
  context: ChaosContext,
  options: { groups?: typeof plainGroups } = {},
): Promise<Site> {
  const isFirst = context.random.next() < 0.5;
  const database = databases[isFirst ? 0 : 1] ?? databases[0];
  if (database === undefined) throw new Error('no database');
  const scenario = { forge: acme(4), config: IMPATIENT, giveUpAfterMs: 240_000 };
  return Site.open({ database, ...scenario, ...options }, context);
}

/** A run that its reply has named shows that the workflow bears ids: what bears none is somebody else's from then on. */
async function firstIsKnown(site: Site, { random, size }: ChaosContext): Promise<Load> {
  const load = new Load(site, planJobs(random, SIZES[size].jobs, [50, 400]));
  const server = await site.start();
  await load.add(1);
  await site.job(load.accepted[0]?.id ?? '', 'completed');
  await server.kill('SIGTERM');
  loseAnswers(site);
  return load;
}

function loseAnswers({ sim }: Site): void {
  for (const [kind, probability] of Object.entries(LOST)) {
    const fault = {
      kind: kind as FaultKind,
      probability,
      on: 'dispatch',
      times: 'always',
    } as const;
    sim.addFault(fault);
  }
}

/** The server is killed at any moment, and another goes on. */
async function runWithKills(
  site: Site,
  load: Load,
  { size, random, say }: ChaosContext,
): Promise<ChaosCounts> {
  const { kills, jobs } = SIZES[size];
  for (let kill = 1; kill <= kills; kill += 1) {
    const server = await site.start();
    const adding = load.add(Math.ceil(jobs / (kills + 1))).catch(() => undefined);
    await wait(random.within([200, 3_000]));
    await server.kill('SIGKILL');
    await adding;
    say(`kill ${kill}, jobs ${load.accepted.length}`);
  }
  await site.start();
  await load.add();
  await site.allEnded();
  const lost = countFaults(site, 'status-before');
  const counts = await verify(site, load.accepted, { notFound: lost + kills });
  return { kills, 'dispatches not carried out': lost, ...counts };
}

function countFaults(site: Site, kind: FaultKind): number {
  return site.dispatches().filter(({ fault }) => fault === kind).length;
}

/** @returns how to end it */
function startByHand(site: Site, { random }: ChaosContext): () => Promise<void> {
  return repeatUntilEnded(async () => {
    // Some meet the faults that are meant for us.
    await dispatchByHand(site.sim, { workflow: 'build.yaml', token: TOKEN }).catch(() => undefined);
    await wait(random.within([50, 800]));
  }).end;
}

/** @returns how to end it; resolves with how often it was blind */
function blindSearches(site: Site, { random }: ChaosContext): () => Promise<number> {
  const spells = repeatUntilEnded(async () => {
    site.sim.setRunSearch({ blind: true });
    await wait(random.within([500, 6_000]));
    site.sim.setRunSearch({ blind: false });
    await wait(random.within([100, 1_500]));
  });
  return async () => {
    await spells.end();
    return spells.count();
  };
}

function repeatUntilEnded(act: () => Promise<void>): {
  readonly end: () => Promise<void>;
  readonly count: () => number;
} {
  const state = { isOver: false, times: 0 };
  const going = (async () => {
    while (!state.isOver) {
      await act();
      state.times += 1;
    }
  })();
  return {
    end: async () => {
      state.isOver = true;
      await going;
    },
    count: () => state.times,
  };
}
