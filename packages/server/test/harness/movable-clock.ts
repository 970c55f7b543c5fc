import type { Clock } from '../../src/lib/clock.ts';

interface Timer {
  readonly at: number;
  readonly fire: () => void;
  handle: NodeJS.Timeout;
}

/** Real time that a test can move forward, as a machine sees it that slept meanwhile: what came due fires at once. */
export class MovableClock implements Clock {
  readonly #timers = new Set<Timer>();
  #movedMs = 0;
  #steppedMs = 0;

  now(): number {
    return Date.now() + this.#movedMs + this.#steppedMs;
  }

  monotonic(): number {
    return performance.now() + this.#movedMs;
  }

  after(ms: number, action: () => void): () => void {
    const at = this.monotonic() + ms;
    const fire = (): void => {
      this.#timers.delete(timer);
      action();
    };
    const timer: Timer = { at, fire, handle: setTimeout(fire, ms) };
    this.#timers.add(timer);
    return () => {
      clearTimeout(timer.handle);
      this.#timers.delete(timer);
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const done = (): void => {
        cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.after(ms, done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  /** The wall clock alone, as somebody sets it: no time has passed. */
  step(ms: number): void {
    this.#steppedMs += ms;
  }

  moveBy(ms: number): void {
    this.#movedMs += ms;
    const now = this.monotonic();
    for (const timer of [...this.#timers].sort((a, b) => a.at - b.at)) {
      // Cancelled by one that fired before it.
      if (!this.#timers.has(timer)) continue;
      clearTimeout(timer.handle);
      if (timer.at <= now) timer.fire();
      else timer.handle = setTimeout(timer.fire, timer.at - now);
    }
  }
}
