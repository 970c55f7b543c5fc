import type { Clock } from './clock.ts';

/** After a wake-up runs at once, the next may run this much later: a burst of commits costs one tick, not hundreds. */
const WAKE_GAP_MS = 20;

/** A remembered notification: one that comes while the loop works is answered right after. */
export class Wake {
  #isNotified = false;
  #listener: (() => void) | undefined;

  notify(): void {
    this.#isNotified = true;
    this.#listener?.();
  }

  get isNotified(): boolean {
    return this.#isNotified;
  }

  /** Forgets the notification: call before looking at the world, so that what changes afterwards notifies anew. */
  clear(): void {
    this.#isNotified = false;
  }

  /** Resolves when notified, after `ms`, or on abort. */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    if (this.#isNotified) return;
    const cut = new AbortController();
    const abort = (): void => {
      cut.abort();
    };
    this.#listener = abort;
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    await clock.sleep(ms, cut.signal);
    signal.removeEventListener('abort', abort);
    this.#listener = undefined;
  }
}

export interface LoopOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly everyMs: number;
  readonly wake: Wake;
  readonly onError: (error: unknown) => void;
}

/**
 * Level-triggered: each tick looks at what is. Ticks never overlap: the wait starts when the last one ends,
 * so a slow database slows the loop instead of stacking work on it.
 */
export async function runLoop(tick: () => Promise<void>, options: LoopOptions): Promise<void> {
  const { clock, signal, wake } = options;
  while (!signal.aborted) {
    const startedAt = clock.monotonic();
    wake.clear();
    try {
      await tick();
    } catch (error) {
      options.onError(error);
    }
    await wake.wait(clock, options.everyMs, signal);
    const restMs = WAKE_GAP_MS - (clock.monotonic() - startedAt);
    if (restMs > 0) await clock.sleep(restMs, signal);
  }
}
