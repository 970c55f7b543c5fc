import type { Clock } from './clock.ts';

interface Timer {
  at: number;
  readonly fire: () => void;
}

/** A clock that moves only by `advance`; timers fire in order, and what they start may set new ones. */
export class FakeClock implements Clock {
  #now: number;
  #monotonic = 0;
  readonly #timers = new Set<Timer>();

  constructor(startAt = Date.UTC(2026, 0, 1, 12)) {
    this.#now = startAt;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** Steps the wall clock alone, as an operator or NTP does. */
  step(ms: number): void {
    this.#now += ms;
  }

  /** Time passes, and no timer fires: for what only reads the clock. */
  pass(ms: number): void {
    this.#now += ms;
    this.#monotonic += ms;
  }

  after(ms: number, action: () => void): () => void {
    const timer: Timer = { at: this.#monotonic + ms, fire: action };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const cancel = this.after(ms, resolve);
      signal?.addEventListener(
        'abort',
        () => {
          cancel();
          resolve();
        },
        { once: true },
      );
    });
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    for (;;) {
      await flush();
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#timers.delete(next);
      this.#move(Math.max(next.at, this.#monotonic));
      next.fire();
    }
    this.#move(end);
    await flush();
  }

  #move(monotonic: number): void {
    this.#now += monotonic - this.#monotonic;
    this.#monotonic = monotonic;
  }
}

/** Lets promise callbacks and immediates run, so that a woken loop gets to its next wait. */
async function flush(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
