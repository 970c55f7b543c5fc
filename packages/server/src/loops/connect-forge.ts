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
  const tick = async (): Promise<void> => {
    const isAllUp = forge.listCredentials().every((c) => c.isConnected || !c.isConfigured);
    if (!isAllUp) await forge.ensureConnected(signal);
  };
  await runLoop(tick, { clock, signal, everyMs: reconnectMs, wake: new Wake(), onError });
}
