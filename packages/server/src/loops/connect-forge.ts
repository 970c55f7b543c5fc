import type { Forge } from '../forge/forge.ts';
import type { Clock } from '../lib/clock.ts';
import { runLoop, Wake } from '../lib/loop.ts';

/**
 * A credential that does not work at start, or stops working, heals by itself. Every process looks after its own
 * connection, so this loop needs no lease.
 */
export async function connectForge(
  forge: Forge,
  clock: Clock,
  reconnectMs: number,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  const wake = new Wake();
  let cancelDue = (): void => undefined;
  const tick = async (): Promise<void> => {
    cancelDue();
    if (listDown(forge).length === 0) return;
    await forge.ensureConnected(signal);
    const dueMs = limitEndsIn(forge, clock.now());
    if (dueMs === null || dueMs >= reconnectMs) return;
    cancelDue = clock.after(dueMs, () => {
      wake.notify();
    });
  };
  await runLoop(tick, { clock, signal, everyMs: reconnectMs, wake, onError });
  cancelDue();
}

function listDown(forge: Forge) {
  return forge
    .listCredentials()
    .filter((one) => one.isConfigured && (!one.isConnected || one.isDoubted));
}

/** A limit says when it ends: what waits for it is not left to the interval. */
function limitEndsIn(forge: Forge, now: number): number | null {
  const ends = listDown(forge)
    .map(({ rate }) => rate.blockedUntil)
    .filter((until) => until !== null);
  return ends.length === 0 ? null : Math.max(0, Math.min(...ends) - now);
}
