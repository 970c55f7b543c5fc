import { sleep } from './lib/clock.ts';
import type { Pair } from './pair.ts';
import type { DelayReading } from './processes/probe.ts';
import { readPhases } from './processes/server.ts';
import { groupId, type Setup } from './setting.ts';

const METRIC = 'dispatchoor_dispatch_phase_seconds';

/** Means over the dispatch cycles of a while; undefined: the server does not tell this phase. */
export interface CycleTimes {
  readonly cycles: number;
  readonly loadMs: number | undefined;
  readonly planMs: number | undefined;
  /** One claim. */
  readonly claimMs: number | undefined;
  readonly dispatches: number;
  readonly delay: DelayReading;
}

/** Lets all groups go, waits `forMs`, and says what the cycles took since then. */
export async function watchCycles(
  { server }: Pair,
  { groups }: Setup,
  forMs: number,
): Promise<CycleTimes> {
  const unpaused = Array.from({ length: groups }, (_, i) => server.api.unpauseGroup(groupId(i)));
  await Promise.all(unpaused);
  const before = await server.api.metrics();
  // Between the two scrapes: they read the runners of all groups, which is not what is asked here.
  await server.child.watchDelay();
  await sleep(forMs);
  const delay = await server.child.readDelay();
  return { ...cyclesBetween(before, await server.api.metrics()), delay };
}

/** From two scrapes of the server's metrics. */
export function cyclesBetween(before: string, after: string): Omit<CycleTimes, 'delay'> {
  const from = readPhases(before, METRIC, 'phase');
  const to = readPhases(after, METRIC, 'phase');
  const grown = (phase: string) => ({
    count: (to.get(phase)?.count ?? 0) - (from.get(phase)?.count ?? 0),
    sumMs: (to.get(phase)?.sumMs ?? 0) - (from.get(phase)?.sumMs ?? 0),
  });
  const mean = (phase: string): number | undefined => {
    const { count, sumMs } = grown(phase);
    return count === 0 ? undefined : sumMs / count;
  };
  return {
    cycles: grown('load').count,
    dispatches: readDispatches(after) - readDispatches(before),
    ...{ loadMs: mean('load'), planMs: mean('plan'), claimMs: mean('claim') },
  };
}

function readDispatches(metrics: string): number {
  return Number(/^dispatchoor_dispatcher_dispatches_total (\d+)$/m.exec(metrics)?.[1] ?? 0);
}
