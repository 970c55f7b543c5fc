import { setTimeout as wait } from 'node:timers/promises';

/** What programs beside the server take time from; a test passes a fake one. */
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
  sleep: async (ms, signal) => {
    await wait(ms, undefined, signal && { signal }).catch(() => undefined);
  },
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};
