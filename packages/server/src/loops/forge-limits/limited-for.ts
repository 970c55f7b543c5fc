import { ForgeError } from '../../forge/forge.ts';
import type { Clock } from '../../lib/clock.ts';

/**
 * How long the credential is stopped, where a request met a limit of the forge's: by its own answer, not ours that none may be made
 * now. Were the same request the first afterwards, and limited again, nothing else would ever be done: it pauses from then on.
 *
 * @returns `undefined`: it met none
 */
export function limitedForMs(error: unknown, clock: Pick<Clock, 'now'>): number | undefined {
  if (!(error instanceof ForgeError) || error.code !== 'rate-limited' || !error.isAnswered) {
    return undefined;
  }
  return Math.max(0, (error.retryAt ?? 0) - clock.now());
}
