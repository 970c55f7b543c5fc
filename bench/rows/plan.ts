import type { Bench } from '../bench.ts';
import { copyFilled, depthsOf, groupsOf, pauseAll } from '../depth.ts';
import { withPair } from '../pair.ts';
import { watchCycles } from '../phases.ts';
import { atMost } from '../report/figure.ts';

const ROW = 'plan';

/**
 * All runners are idle at once, as after an outage: the hardest cycle there is. Every cycle of the window has all
 * groups, as many jobs as one cycle reads, and runners for all of them.
 */
export async function measurePlan(bench: Bench): Promise<void> {
  if (!bench.has('SQLite')) return;
  const [, , pending] = depthsOf(bench);
  const runners = bench.size(10_000, 100);
  const setup = { groups: groupsOf(bench), runners, jobMs: 3_600_000 };
  const { file, section } = await copyFilled(bench, pending);
  pauseAll(file);
  // Each look at the runs overtakes the plan that is being sent, so the next cycle loads everything again.
  const intervals = { poll: '10m', track: '500ms' };
  const options = { name: ROW, setup, intervals, database: section };
  await withPair(bench, options, async (pair) => {
    const { child } = pair.server;
    const windowMs = bench.size(6_000, 3_000);
    const times = await bench.profiled(ROW, child, () => watchCycles(pair, setup, windowMs));
    const { cycles, dispatches, loadMs, planMs, claimMs, delay } = times;
    const { maxMs, p99Ms } = delay;
    const size = `${pending} pending, ${runners} runners, ${setup.groups} groups`;
    const note = `${size}; ${cycles} cycles, ${dispatches} dispatches`;
    const shared = { row: ROW, on: 'SQLite', unit: 'ms' };
    if (loadMs === undefined || planMs === undefined || claimMs === undefined) {
      const reason = `the server tells no dispatchoor_dispatch_phase_seconds of load, plan and claim (${note})`;
      bench.skip({ row: ROW, name: 'load + plan + one claim', reason });
    } else {
      bench.add(
        { ...shared, name: 'load, mean', value: loadMs },
        { ...shared, name: 'plan, mean', value: planMs },
        { ...shared, name: 'one claim, mean', value: claimMs },
        {
          ...{ ...shared, name: 'load + plan + one claim, mean', note },
          ...{ value: loadMs + planMs + claimMs, budget: atMost(50) },
        },
      );
    }
    bench.add(
      { ...shared, name: 'longest block of the main thread', value: maxMs, budget: atMost(10) },
      { ...shared, name: 'block of the main thread, p99 of all turns', value: p99Ms },
    );
  });
}
