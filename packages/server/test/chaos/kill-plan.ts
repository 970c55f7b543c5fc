import type { Random } from '@dispatchoor/forge-sim';
import { type KillWindow, killWindows } from '../processes/kill-window.ts';

/**
 * How a server dies:
 * - `starting`: so long after its process began
 * - `listening`: so long after it first listened
 * - `inside`: by itself, at the `hit`-th time that it gets to this point of a dispatch
 * - `outside`: from outside, so long after the forge's ledger shows that a dispatch is in this window
 */
export type Death =
  | { readonly by: 'starting' | 'listening'; readonly afterMs: number }
  | { readonly by: 'inside'; readonly window: InsideWindow; readonly hit: number }
  | { readonly by: 'outside'; readonly window: OutsideWindow; readonly afterMs: number };

type InsideWindow = Exclude<KillWindow, 'sent-no-reply'>;
type OutsideWindow = 'sent-no-reply' | 'recorded';

export interface PlanOptions {
  /** How many of the deaths come at a random moment; the others in a window, each as often as another. */
  readonly timedShare: number;
  /** How often, at most, a window is passed unharmed before, and the last time not. */
  readonly maxHit: number;
}

/** In random order. */
export function planDeaths(random: Random, count: number, options: PlanOptions): Death[] {
  const timed = Math.floor(count * options.timedShare);
  const deaths = Array.from({ length: count }, (_, index) => {
    if (index < timed) return timedDeath(random);
    const window = killWindows[index % killWindows.length] ?? 'recorded';
    return windowDeath(window, random, options.maxHit);
  });
  return shuffle(deaths, random);
}

export function windowDeath(window: KillWindow, random: Random, maxHit = 1): Death {
  if (window === 'sent-no-reply') return { by: 'outside', window, afterMs: random.within([0, 60]) };
  // That nothing else is under way can only be seen from outside.
  if (window === 'recorded' && maxHit === 1) {
    return { by: 'outside', window, afterMs: random.within([0, 100]) };
  }
  return { by: 'inside', window, hit: random.within([1, maxHit]) };
}

function timedDeath(random: Random): Death {
  const isStarting = random.next() < 0.2;
  return isStarting
    ? { by: 'starting', afterMs: random.within([0, 1_000]) }
    : { by: 'listening', afterMs: random.within([0, 2_500]) };
}

/** Fisher and Yates. */
function shuffle<T>(items: readonly T[], random: Random): T[] {
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = random.within([0, last]);
    [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
  }
  return shuffled;
}
