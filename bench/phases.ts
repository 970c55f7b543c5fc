import { sleep } from './lib/clock.ts';
import type { Pair } from './pair.ts';
import { readPhases } from './processes/server.ts';
import { groupId, type Setting } from './setting.ts';

const METRIC = 'dispatchoor_dispatch_phase_seconds';

/** Means over the dispatch cycles of a while; undefined: the server does not tell this phase. */
export interface CycleTimes {
  readonly cycles: number;
  readonly loadMs: number | undefined;
  readonly planMs: number | undefined;
  /** One claim. */
  readonly claimMs: number | undefined;
  readonly dispatches: number;
}

/** Lets all groups go, waits `forMs`, and says what the cycles took since then. */
export async function watchCycles(
  { sim, server }: Pair,
  { groups }: Setting,
  forMs: number,
): Promise<CycleTimes> {
  const unpaused = Array.from({ length: groups }, (_, i) =>
    server.call('POST', `/api/v1/groups/${groupId(i)}/unpause`),
  );
  await Promise.all(unpaused);
  const runsBefore = (await sim.ledger()).runs.length;
  const before = readPhases(await server.metrics(), METRIC, 'phase');
  await sleep(forMs);
  const after = readPhases(await server.metrics(), METRIC, 'phase');
  const mean = (phase: string): number | undefined => {
    const from = before.get(phase) ?? { sumMs: 0, count: 0 };
    const to = after.get(phase);
    if (to === undefined || to.count === from.count) return undefined;
    return (to.sumMs - from.sumMs) / (to.count - from.count);
  };
  const cycles = (after.get('load')?.count ?? 0) - (before.get('load')?.count ?? 0);
  const dispatches = (await sim.ledger()).runs.length - runsBefore;
  return {
    ...{ cycles, dispatches },
    ...{ loadMs: mean('load'), planMs: mean('plan'), claimMs: mean('claim') },
  };
}
