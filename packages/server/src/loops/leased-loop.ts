import type { Event } from '../domain/event.ts';
import { FailureLog } from '../lib/failure-log.ts';
import { runLoop, Wake } from '../lib/loop.ts';
import type { Fence } from '../store/port/leases.ts';
import { Background } from './background.ts';
import type { EventFeed } from './event-feed.ts';
import { Lease, type LeaseDeps } from './lease.ts';

export interface LoopContext {
  readonly fence: Fence;
  /** False once the lease may have run out: stop starting things. */
  readonly mayGoOn: () => boolean;
  readonly signal: AbortSignal;
  readonly wake: Wake;
  /**
   * For what may hang. It may outlast the tick, and the lease: it asks `mayGoOn` before it writes what no fence guards.
   * The loop ends after it.
   */
  readonly background: Background;
}

export type Reaction = 'wake' | 'ignore';

export interface LoopSpec {
  /** Also the lease's name. */
  readonly name: string;
  readonly everyMs: number;
  /** Of every committed change, in order: notes what it tells, and says whether there is work now. */
  readonly onEvent: (event: Event) => Reaction;
  readonly tick: (context: LoopContext) => Promise<void>;
  /** Finishes acts in flight when the loop has been told to stop; the lease is kept until then. */
  readonly drain?: () => Promise<void>;
}

export interface LoopDeps extends LeaseDeps {
  readonly feed: EventFeed;
}

/** Runs one loop for as long as this process holds its lease; the others stand by. Resolves after `signal` aborts and all acts ended. */
export async function runLeasedLoop(
  spec: LoopSpec,
  deps: LoopDeps,
  signal: AbortSignal,
): Promise<void> {
  const wake = new Wake();
  const lease = new Lease(spec.name, deps, () => {
    wake.notify();
  });
  deps.feed.listen((event) => {
    if (spec.onEvent(event) === 'wake') wake.notify();
  });
  const keeping = new AbortController();
  const kept = lease.keep(keeping.signal);
  const failures = logFailures(spec, deps);
  const inBackground = logFailures(spec, deps);
  const background = new Background((error) => {
    inBackground.fail(error);
  });
  const tick = async (): Promise<void> => {
    await tickWithLease(spec, lease, { wake, signal, background });
    failures.end();
  };
  await runLoop(tick, {
    clock: deps.clock,
    signal,
    everyMs: spec.everyMs,
    wake,
    onError: (error) => {
      failures.fail(error);
    },
  });
  await spec.drain?.();
  await background.drain();
  keeping.abort();
  await kept;
  await lease.release();
}

function logFailures({ name }: LoopSpec, { clock, logger }: LoopDeps): FailureLog {
  return new FailureLog(clock, (failure) => {
    logger.error({ ...failure, loop: name }, 'loop tick failed');
  });
}

async function tickWithLease(
  spec: LoopSpec,
  lease: Lease,
  context: Pick<LoopContext, 'wake' | 'signal' | 'background'>,
): Promise<void> {
  const fence = lease.current();
  if (fence === undefined) return;
  const mayGoOn = (): boolean => !context.signal.aborted && lease.current()?.epoch === fence.epoch;
  await spec.tick({ ...context, fence, mayGoOn });
}
