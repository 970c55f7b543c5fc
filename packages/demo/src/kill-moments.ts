import type { Random } from '@dispatchoor/forge-sim/client';

/** Before this there is nothing to lose yet. */
const FIRST_AT_MS = 1_000;

/**
 * When to kill the server, in ms after the load began, in order: one moment in each of `count` equal parts of
 * `overMs`, so that kills neither pile up nor leave a long quiet stretch.
 */
export function killMoments(random: Random, count: number, overMs: number): number[] {
  const partMs = Math.max(0, overMs - FIRST_AT_MS) / Math.max(1, count);
  return Array.from({ length: count }, (_, i) =>
    Math.round(FIRST_AT_MS + (i + random.next()) * partMs),
  );
}
