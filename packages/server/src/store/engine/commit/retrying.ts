import { randomInt } from 'node:crypto';
import type { Clock } from '../../../lib/clock.ts';

/** How long to wait before a lost transaction runs anew: doubled each time from `firstMs` to `longestMs`. */
export interface RetryDelay {
  readonly firstMs: number;
  readonly longestMs: number;
}

export interface RetryRules {
  readonly clock: Clock;
  /** `undefined`: the error is final. Only what provably did not commit may be named here. */
  findDelay(error: unknown): RetryDelay | undefined;
  /** The first attempt that fails after this long is the last. */
  readonly giveUpAfterMs: number;
}

export async function retrying<T>(rules: RetryRules, attempt: () => Promise<T>): Promise<T> {
  const startedAt = rules.clock.monotonic();
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const delay = rules.findDelay(error);
      const isOver = rules.clock.monotonic() - startedAt >= rules.giveUpAfterMs;
      if (delay === undefined || isOver) throw error;
      await rules.clock.sleep(jittered(delay, tries));
    }
  }
}

/** Half to one and a half of the delay: two that met once must not meet again in step. */
function jittered(delay: RetryDelay, tries: number): number {
  const baseMs = Math.min(delay.firstMs * 2 ** Math.min(tries, 10), delay.longestMs);
  return (baseMs * randomInt(500, 1_500)) / 1_000;
}
