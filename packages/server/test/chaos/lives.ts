import { setTimeout as wait } from 'node:timers/promises';
import type { Ledger } from '@dispatchoor/forge-sim';
import type { ServerProcess } from '../processes/server-process.ts';
import type { Site, StartOptions } from '../processes/site.ts';
import type { Death, OutsideWindow } from './kill-plan.ts';
import type { Load } from './load.ts';

/** A server that is to kill itself, or to get to a window, is killed all the same after so long. */
const GRACE_MS = 5_000;

export interface Life {
  readonly death: Death;
  /** How many jobs it is given. */
  readonly jobs: number;
  readonly start?: StartOptions;
  /** Called once it listens. */
  readonly onListening?: () => void;
}

/** One server's life: it is given jobs, and dies as it must. Resolves when it is dead. */
export async function live(site: Site, load: Load, life: Life): Promise<void> {
  const { death, jobs, start, onListening } = life;
  const dieAt = death.by === 'inside' ? { window: death.window, hit: death.hit } : undefined;
  const server = await site.spawn({ ...start, ...(dieAt && { dieAt }) });
  const work = async (): Promise<void> => {
    await site.attend(server);
    onListening?.();
    await load.add(jobs);
  };
  const working = work().catch(throwUnlessDead);
  // Seen by nobody until the server is dead.
  working.catch(() => undefined);
  await bringDeath(site, server, death, working);
  await server.kill('SIGKILL');
  await working;
}

/** A connection that fails, a start that breaks off: what was not answered is asked of the next server. */
function throwUnlessDead(error: unknown): void {
  const isOfDeath = error instanceof TypeError || String(error).includes('has ended');
  if (!isOfDeath) throw error;
}

async function bringDeath(
  site: Site,
  server: ServerProcess,
  death: Death,
  working: Promise<void>,
): Promise<void> {
  const from = site.dispatches().length;
  const over = new AbortController();
  const pause = (ms: number): Promise<void> =>
    wait(ms, undefined, { signal: over.signal }).catch(() => undefined);
  const bring = async (): Promise<void> => {
    if (death.by === 'starting') return pause(death.afterMs);
    await server.listening();
    if (death.by === 'inside') return pause(GRACE_MS);
    if (death.by === 'outside') {
      // The next job would be on its way before this one's reply is recorded.
      if (death.window === 'recorded') await working;
      await isIn(site, death.window, from);
    }
    return pause(death.afterMs);
  };
  await Promise.race([bring().catch(() => undefined), server.exited]);
  over.abort();
}

/** By the dispatches since the `from`-th. */
async function isIn(site: Site, window: OutsideWindow, from: number): Promise<void> {
  const isThere = ({ requests }: Pick<Ledger, 'requests'>): boolean => {
    const sent = requests.filter(({ endpoint }) => endpoint === 'dispatch').slice(from);
    const unanswered = sent.filter(({ repliedAt }) => repliedAt === undefined);
    if (window === 'recorded') return sent.length > 0 && unanswered.length === 0;
    return unanswered.some(({ acted }) => acted);
  };
  await site.sim.wait(isThere, { timeoutMs: GRACE_MS });
}
