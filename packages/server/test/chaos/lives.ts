import { setTimeout as wait } from 'node:timers/promises';
import type { LedgerRequest } from '@dispatchoor/forge-sim';
import { until } from '../harness/until.ts';
import { countPending, listAttempts } from '../processes/rows.ts';
import type { ServerProcess } from '../processes/server-process.ts';
import type { Site, StartOptions } from '../processes/site.ts';
import type { Death } from './kill-plan.ts';
import type { Load } from './load.ts';

/** A server that is to kill itself, or to get to a window, is killed all the same after so long. */
const GRACE_MS = 20_000;

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
  const known = (await listAttempts(site.database)).length;
  const over = new AbortController();
  const pause = (ms: number): Promise<void> =>
    wait(ms, undefined, { signal: over.signal }).catch(() => undefined);
  const bring = async (): Promise<void> => {
    if (death.by === 'starting') return pause(death.afterMs);
    await server.listening();
    if (death.by === 'inside') return pause(GRACE_MS);
    if (death.by === 'outside' && death.window === 'sent-no-reply') await isSent(site);
    if (death.by === 'outside' && death.window === 'recorded') {
      // Else the next job would be on its way.
      await working;
      await isRecorded(site, known);
    }
    return pause(death.afterMs);
  };
  await Promise.race([bring().catch(() => undefined), server.exited]);
  over.abort();
}

/** When a dispatch under way has been carried out and not answered. */
async function isSent(site: Site): Promise<void> {
  const isUnanswered = ({ endpoint, acted, repliedAt }: LedgerRequest): boolean =>
    endpoint === 'dispatch' && acted && repliedAt === undefined;
  const from = site.sim.ledger().requests.length;
  await site.sim.wait(({ requests }) => requests.slice(from).some(isUnanswered), {
    timeoutMs: GRACE_MS,
  });
}

/** When some attempt after the `known` ones was recorded, none is without an outcome, and no job waits for one. */
async function isRecorded({ database }: Site, known: number): Promise<void> {
  const read = async (): Promise<string[]> => {
    if ((await countPending(database)) > 0) return [];
    const attempts = await listAttempts(database);
    return attempts.slice(known).map(({ state }) => state);
  };
  const isSettled = (states: readonly string[]): boolean =>
    states.includes('accepted') && !states.includes('claimed');
  await until(read, isSettled, { what: 'a dispatch is recorded', timeoutMs: GRACE_MS });
}
