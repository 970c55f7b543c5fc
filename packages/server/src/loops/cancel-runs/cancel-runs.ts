import type { Attempt } from '../../domain/attempt.ts';
import { passedSinceDeadlineMs } from '../../domain/correlation/passed-time.ts';
import { runMadeWithinMs } from '../../domain/correlation/window.ts';
import type { EventKind } from '../../domain/event.ts';
import { ForgeError } from '../../forge/forge.ts';
import { LimitPauses } from '../forge-limits/limit-pauses.ts';
import type { LoopContext, LoopSpec } from '../leased-loop.ts';
import { LogThrottle } from '../log-throttle.ts';
import { askedOf, type FollowDeps, isClosed, takeRun } from '../track-runs/follow-run.ts';
import { GoneFor } from '../track-runs/gone-for.ts';
import { KnownSince } from '../track-runs/known-since.ts';
import { CancelPace, type LastingCause } from './cancel-pace.ts';
import { type GuessDeps, isGuessed, isOnlyRun, RunsNotListed } from './guessed-run.ts';

export interface CancelRunsDeps
  extends Omit<FollowDeps, 'checkedAt' | 'awaitingNextJob' | 'logThrottle' | 'limits' | 'goneFor'>,
    Pick<GuessDeps, 'stamps'> {
  readonly cancelRetryMs: number;
  /** A run that still lives this long after its cancel is ended by force. */
  readonly forceCancelMs: number;
  readonly requestTimeoutMs: number;
  readonly runLookupTimeoutMs: number;
}

interface TickDeps extends CancelRunsDeps, FollowDeps {
  readonly knownSince: KnownSince;
  readonly pace: CancelPace;
}

const WAKING: ReadonlySet<EventKind> = new Set<EventKind>([
  'attempt.cancel-wanted',
  'attempt.found',
  'attempt.accepted',
  'attempt.run-late',
]);

/** Carries out the cancels that were wanted, also of runs that are found only later. */
export function cancelRuns(given: CancelRunsDeps): LoopSpec {
  const deps = makeDeps(given);
  return {
    name: `cancel-runs:${deps.forge.id}`,
    everyMs: deps.cancelRetryMs,
    onEvent: ({ kind }) => (WAKING.has(kind) ? 'wake' : 'ignore'),
    tick: (context) => tick(deps, context),
  };
}

function makeDeps(given: CancelRunsDeps): TickDeps {
  const { clock, cancelRetryMs } = given;
  return {
    ...given,
    checkedAt: new Map(),
    goneFor: new GoneFor(clock),
    awaitingNextJob: new Set(),
    logThrottle: new LogThrottle(),
    limits: new LimitPauses(clock, cancelRetryMs),
    knownSince: new KnownSince(clock),
    pace: new CancelPace(clock, cancelRetryMs),
  };
}

async function tick(deps: TickDeps, context: LoopContext): Promise<void> {
  const { store, forge, clock, forceCancelMs, pace, limits } = deps;
  const { background, wake } = context;
  const waits = { forceCancelMs, runMadeWithinMs: runMadeWithinMs(deps) };
  const wanted = await store.runs.listWantedCancels(forge.id, waits);
  deps.logThrottle.keepOnly(wanted.map(({ attempt }) => attempt.id));
  deps.knownSince.note(wanted.map(({ attempt }) => attempt.id));
  // One after another, as the forge wishes of requests that change something; but none waits for one that hangs.
  for (const { attempt, how } of pace.inTurn(wanted.filter((one) => !isEarly(deps, one.attempt)))) {
    if (!context.mayGoOn()) return;
    if (!limits.mayAsk(askedOf('cancel', attempt)) || !pace.tryBegin(attempt)) continue;
    const cancel = (): Promise<void> => cancelOne(deps, attempt, how, context.signal);
    background.tryStart(attempt.id, cancel, () => {
      if (pace.end(attempt)) wake.notify();
    });
    await background.waitFor([attempt.id], clock);
  }
}

/** By the database's clock no other run can be made any more that could be its own; a clock may have been put forward. */
function isEarly(deps: TickDeps, attempt: Attempt): boolean {
  if (!isGuessed(attempt)) return false;
  const passedMs = passedSinceDeadlineMs(attempt, {
    sentAt: deps.clock.now(),
    forgeSentAt: deps.forge.now() ?? -Infinity,
    knownForMs: deps.knownSince.asOfNow()(attempt.id),
  });
  return passedMs <= runMadeWithinMs(deps) + attempt.forgeUncertaintyMs;
}

async function cancelOne(
  deps: TickDeps,
  attempt: Attempt,
  how: 'cancel' | 'force-cancel',
  signal: AbortSignal,
): Promise<void> {
  const { forge, store, logger, logThrottle, pace, limits } = deps;
  const { owner, repo, runId } = attempt;
  if (runId === null) return;
  try {
    // The read before it with it: either may meet a limit.
    await limits.ask(askedOf('cancel', attempt), async () => {
      if (!(await isOursToEnd(deps, attempt, runId, signal))) return;
      await forge.cancelRun(owner, repo, runId, how, signal);
      await store.runs.recordCancelSent(attempt.id, how);
    });
    pace.noteOver(attempt);
  } catch (error) {
    const cause = lastingCauseOf(error);
    if (cause !== undefined) pace.noteLasting(attempt, cause);
    // A limit does not show that it would not fail so again.
    else if (!isLimit(error)) pace.noteOver(attempt);
    // It stays wanted: a later tick asks again. A 404 is the tracker's to judge.
    const level = logThrottle.levelOf(attempt.id, error);
    logger[level]({ err: error, attemptId: attempt.id, runId }, 'run not cancelled');
  }
}

function isLimit(error: unknown): boolean {
  return error instanceof ForgeError && error.code === 'rate-limited';
}

function lastingCauseOf(error: unknown): LastingCause | undefined {
  if (error instanceof RunsNotListed) return 'unlisted';
  return isClosed(error) ? 'closed' : undefined;
}

/**
 * A forge cancels the latest attempt of a run: once ours has ended, that is what somebody else has started again. Asked
 * right before each cancel, however fresh what is stored; where nobody can tell nothing is cancelled.
 */
async function isOursToEnd(
  deps: TickDeps,
  attempt: Attempt,
  runId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { owner, repo } = attempt;
  const { run, forgeSentAt } = await deps.forge.getRun(owner, repo, runId, signal, 'cancel');
  const isOver = run.attempt > 1 || run.status === 'completed';
  if (isOver) await takeRun(deps, attempt, run, forgeSentAt, signal);
  if (isOver || !isGuessed(attempt)) return !isOver;
  return isOnlyRun(deps, attempt, run, signal);
}
