/** The only source of time and of waiting. Pass it in; a test passes a fake one. */
export interface Clock {
  /** Wall clock, epoch milliseconds. May step. */
  now(): number;
  /** Milliseconds that never step back; only differences mean something. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects: the caller looks at its signal. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs `action` after `ms`; the returned function takes it back. */
  after(ms: number, action: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done, { once: true });
    }),
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Its timers keep no process alive that has nothing else to do. */
export const idleClock: Pick<Clock, 'now' | 'after'> = {
  now: () => Date.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, ms).unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

/**
 * A deadline that has passed when either clock says so: a wall clock stepped back must not lengthen it,
 * a machine that slept must not either.
 */
export interface Deadline {
  /** Wall-clock moment, epoch milliseconds: what is written to the database. */
  readonly at: number;
  isOver(): boolean;
  remainingMs(): number;
}

export function deadlineIn(clock: Clock, ms: number): Deadline {
  const at = clock.now() + ms;
  const monotonicEnd = clock.monotonic() + ms;
  const remainingMs = (): number =>
    Math.max(0, Math.min(at - clock.now(), monotonicEnd - clock.monotonic()));
  return { at, remainingMs, isOver: () => remainingMs() === 0 };
}
