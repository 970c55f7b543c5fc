import type { Clock } from '../../lib/clock.ts';
import { FailureLog } from '../../lib/failure-log.ts';
import type { Logger } from '../../lib/logger.ts';

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;
/** Once told to stop, this many more tries: what is not stored by then is recovered from the claim's deadline. */
const TRIES_AFTER_STOP = 3;

/**
 * What the forge answered exists nowhere else: it is written again and again until the database takes it.
 * Never throws; gives up soon after `signal` aborts.
 */
export async function untilStored(
  deps: { readonly clock: Clock; readonly logger: Logger },
  what: string,
  signal: AbortSignal,
  store: () => Promise<void>,
): Promise<void> {
  let waitMs = FIRST_WAIT_MS;
  const failures = new FailureLog(deps.clock, (failure) => {
    deps.logger.error({ ...failure, what }, 'not stored, trying again');
  });
  for (let triesLeft = TRIES_AFTER_STOP; triesLeft > 0; ) {
    try {
      await store();
      return;
    } catch (error) {
      failures.fail(error);
    }
    if (signal.aborted) triesLeft -= 1;
    await deps.clock.sleep(waitMs);
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
  deps.logger.error({ what }, 'not stored: the next process recovers it');
}
