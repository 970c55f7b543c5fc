import type { SimClock } from './clock.ts';
import type { GhesVersion } from './ghes.ts';
import type { Limits } from './limits.ts';
import type { Runs } from './world/runs.ts';
import type { WorldState } from './world/state.ts';

/** What the REST handlers see of the forge. */
export interface Forge {
  clock: SimClock;
  state: WorldState;
  runs: Runs;
  limits: Limits;
  /** `null`: github.com. */
  ghes: GhesVersion | null;
  /** Without a slash at the end; known once the server listens. */
  urls: { api: string; html: string };
}
