import type { Logger } from '../lib/logger.ts';
import { runLoop, Wake } from '../lib/loop.ts';
import type { SharedClock } from '../lib/shared-clock.ts';
import type { Store } from '../store/port/store.ts';

const EVERY_MS = 30_000;
/** Clocks that are kept right are closer than this; each correction is a step for all that measures time by `now()`. */
const TOLERATED_MS = 2_000;

export interface ShareClockDeps {
  readonly store: Pick<Store, 'now'>;
  readonly clock: SharedClock;
  readonly logger: Logger;
}

/**
 * Servers on one database write moments for each other: when runners were listed, until when a workflow pauses. All go by the
 * database's clock, or one that is minutes ahead would take each list for too old, and dispatch nothing.
 */
export async function shareClock({ store, clock, logger }: ShareClockDeps): Promise<void> {
  const from = clock.monotonic();
  const theirs = await store.now();
  const tookMs = clock.monotonic() - from;
  const behindMs = Math.round(theirs - (clock.now() - tookMs / 2));
  if (Math.abs(behindMs) <= TOLERATED_MS + tookMs / 2) return;
  clock.correct(behindMs);
  const detail = { behindMs };
  logger.warn(detail, 'this clock differs from the database’s, which is gone by: keep NTP on');
}

/** For as long as the process lives: a clock may be stepped. */
export async function keepClockShared(deps: ShareClockDeps, signal: AbortSignal): Promise<void> {
  const { clock, logger } = deps;
  const tick = (): Promise<void> => shareClock(deps);
  const onError = (error: unknown): void => {
    // That the database is away others tell.
    logger.debug({ err: error }, 'the database’s clock was not read');
  };
  await runLoop(tick, { clock, signal, everyMs: EVERY_MS, wake: new Wake(), onError });
}
