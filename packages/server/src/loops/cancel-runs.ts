import type { Attempt } from '../domain/attempt.ts';
import { runMadeWithinMs } from '../domain/correlation/window.ts';
import type { Forge } from '../forge/forge.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Store } from '../store/port/store.ts';
import { CancelPace } from './cancel-pace.ts';
import type { LoopContext, LoopSpec } from './leased-loop.ts';
import { Troubles } from './troubles.ts';

export interface CancelRunsDeps {
  readonly forge: Forge;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly cancelRetryMs: number;
  /** A run that still lives this long after its cancel is ended by force. */
  readonly forceCancelMs: number;
  readonly requestTimeoutMs: number;
  readonly runLookupTimeoutMs: number;
}

interface TickDeps extends CancelRunsDeps {
  readonly troubles: Troubles;
  readonly pace: CancelPace;
}

/** Carries out the cancels that were wanted, also of runs that are found only later. */
export function cancelRuns(given: CancelRunsDeps): LoopSpec {
  const pace = new CancelPace(given.clock, given.cancelRetryMs);
  const deps = { ...given, troubles: new Troubles(), pace };
  return {
    name: `cancel-runs:${deps.forge.id}`,
    everyMs: deps.cancelRetryMs,
    isWokenBy: (event) =>
      event.kind === 'attempt.cancel-wanted' ||
      event.kind === 'attempt.found' ||
      event.kind === 'attempt.accepted' ||
      event.kind === 'attempt.run-late',
    tick: (context) => tick(deps, context),
  };
}

async function tick(deps: TickDeps, context: LoopContext): Promise<void> {
  const { store, forge, clock, forceCancelMs, pace } = deps;
  const { background, wake } = context;
  const waits = { forceCancelMs, runMadeWithinMs: runMadeWithinMs(deps) };
  const wanted = await store.runs.listWantedCancels(forge.id, waits);
  deps.troubles.keepOnly(wanted.map(({ attempt }) => attempt.id));
  // One after another, as the forge wishes of requests that change something; but none waits for one that hangs.
  for (const { attempt, how } of pace.inTurn(wanted)) {
    if (!context.mayGoOn()) return;
    if (!pace.tryBegin(attempt)) continue;
    const cancel = (): Promise<void> => cancelOne(deps, attempt, how, context.signal);
    background.tryStart(attempt.id, cancel, () => {
      if (pace.end(attempt)) wake.knock();
    });
    await background.waitFor([attempt.id], clock);
  }
}

async function cancelOne(
  deps: TickDeps,
  attempt: Attempt,
  how: 'cancel' | 'force-cancel',
  signal: AbortSignal,
): Promise<void> {
  const { forge, store, logger, troubles } = deps;
  if (attempt.runId === null) return;
  try {
    await forge.cancelRun(attempt.owner, attempt.repo, attempt.runId, how, signal);
    await store.runs.recordCancelSent(attempt.id, how);
  } catch (error) {
    // It stays wanted: the next tick asks again.
    const level = troubles.levelOf(attempt.id, error);
    logger[level]({ err: error, attemptId: attempt.id, runId: attempt.runId }, 'run not cancelled');
  }
}
