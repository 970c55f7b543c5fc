import type { Forge } from '../forge/forge.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { RetentionStore } from '../store/port/retention.ts';
import type { LoopContext, LoopSpec } from './leased-loop.ts';

/** Clocks kept by NTP are closer than this; beyond, somebody should look at ours. */
const LOGGED_AHEAD_MS = 60 * 60_000;
const DAY_MS = 24 * 60 * 60_000;
const ATTEMPTS_KEPT_MS = 7 * DAY_MS;
const FEED_EVENTS_KEPT_MS = 7 * DAY_MS;
const AUDIT_EVENTS_KEPT_MS = 365 * DAY_MS;
const STALE_RUNNERS_KEPT_MS = DAY_MS;
/** Small enough that an enqueue never waits long behind a clean-up. */
const BATCH = 500;

export interface RetentionDeps {
  readonly retention: RetentionStore;
  readonly forges: readonly Pick<Forge, 'now'>[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly cleanupIntervalMs: number;
  /** `null`: history is kept for ever. */
  readonly retentionDays: number | null;
}

/** Lets go of what is old, in small batches. */
export function retainHistory(deps: RetentionDeps): LoopSpec {
  return {
    name: 'retention',
    everyMs: deps.cleanupIntervalMs,
    // A forge has shown its time.
    onEvent: ({ kind, data }) =>
      kind === 'credential.changed' && data['isConnected'] === true ? 'wake' : 'ignore',
    tick: (context) => tick(deps, context),
  };
}

async function tick(deps: RetentionDeps, context: LoopContext): Promise<void> {
  const { retention, retentionDays } = deps;
  const now = believedNow(deps);
  if (now === null) return;
  const sweeps: [string, () => Promise<number>][] = [
    ['attempts', () => retention.deleteAttempts(now - ATTEMPTS_KEPT_MS, BATCH)],
    [
      'events',
      () => retention.deleteEvents(now - FEED_EVENTS_KEPT_MS, now - AUDIT_EVENTS_KEPT_MS, BATCH),
    ],
    ['expired', () => retention.deleteExpired(now).then(() => 0)],
    ['runners', () => retention.deleteStaleRunners(now - STALE_RUNNERS_KEPT_MS).then(() => 0)],
  ];
  if (retentionDays !== null) {
    const before = now - retentionDays * DAY_MS;
    sweeps.unshift(['jobs', () => retention.deleteEndedJobs(before, BATCH)]);
  }
  for (const [what, sweep] of sweeps) await sweepAll(deps, context, what, sweep);
}

/**
 * What is old by ours and by the clock of every forge that has shown it. A step of ours alone would delete the whole history, and with the
 * idempotency keys what keeps a repeated request from adding its job twice. `null`: none has shown its time yet.
 */
function believedNow({ clock, forges, logger }: RetentionDeps): number | null {
  const told = forges.map((forge) => forge.now()).filter((at) => at !== null);
  if (told.length === 0) return null;
  const [ours, theirs] = [clock.now(), Math.min(...told)];
  if (ours > theirs + LOGGED_AHEAD_MS) {
    const aheadMs = ours - theirs;
    logger.warn({ aheadMs }, 'this clock is ahead of the forge’s: history is kept by the forge’s');
  }
  return Math.min(ours, theirs);
}

async function sweepAll(
  deps: RetentionDeps,
  context: LoopContext,
  what: string,
  sweep: () => Promise<number>,
): Promise<void> {
  try {
    let total = 0;
    for (let went = BATCH; went >= BATCH && context.mayGoOn(); total += went) went = await sweep();
    if (total > 0) deps.logger.info({ what, total }, 'history deleted');
  } catch (error) {
    deps.logger.warn({ err: error, what }, 'history not deleted');
  }
}
