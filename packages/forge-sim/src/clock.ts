import { setImmediate as nextTurn } from 'node:timers/promises';

/** Node fires a longer timeout at once; the clock re-arms itself until the time is due. */
const MAX_TIMEOUT_MS = 2_147_483_647;

export interface SimTimer {
  cancel(): void;
}

interface PendingTimer {
  atMs: number;
  fire: () => void;
}

export interface SimClockOptions {
  mode: 'real' | 'manual';
  /** Epoch ms that `now()` shows at the start; default: the wall clock. */
  startAt?: number;
}

/**
 * The forge's clock. Timers live on an elapsed time that only grows (wall time in mode `real`, and
 * `advance` in both modes). `now()` is that plus an offset, so a skewed forge clock shifts every
 * stamp it writes but never stretches a job.
 */
export class SimClock {
  readonly mode: 'real' | 'manual';
  readonly #startEpochMs: number;
  readonly #startWallMs = performance.now();
  readonly #timers: PendingTimer[] = [];
  #advancedMs = 0;
  #offsetMs = 0;
  #armed: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: SimClockOptions) {
    this.mode = options.mode;
    this.#startEpochMs = options.startAt ?? Date.now();
  }

  /** Epoch ms as the forge sees it. */
  now(): number {
    return Math.floor(this.#startEpochMs + this.#elapsedMs() + this.#offsetMs);
  }

  /** Moves time forward; every timer on the way fires at its own time, in order. */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new Error(`clock: cannot advance by ${String(ms)} ms`);
    const untilMs = this.#elapsedMs() + ms;
    for (;;) {
      const next = this.#timers[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers.shift();
      this.#jumpTo(next.atMs);
      next.fire();
      // Requests that are already on the wire get their turn between two timers.
      await nextTurn();
    }
    this.#jumpTo(untilMs);
    this.#arm();
    await nextTurn();
  }

  /** Skews `now()` by `ms` from the true time; timers are not touched. */
  setOffset(ms: number): void {
    this.#offsetMs = ms;
  }

  /** Runs `fire` after `ms`; with 0 or less it runs before `after` returns. */
  after(ms: number, fire: () => void): SimTimer {
    if (ms <= 0) {
      fire();
      return { cancel: () => undefined };
    }
    const timer = { atMs: this.#elapsedMs() + ms, fire };
    const index = this.#timers.findLastIndex((other) => other.atMs <= timer.atMs);
    this.#timers.splice(index + 1, 0, timer);
    if (index === -1) this.#arm();
    return { cancel: () => this.#drop(timer) };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#timers.length = 0;
    clearTimeout(this.#armed);
  }

  #elapsedMs(): number {
    if (this.mode === 'manual') return this.#advancedMs;
    return performance.now() - this.#startWallMs + this.#advancedMs;
  }

  #jumpTo(elapsedMs: number): void {
    this.#advancedMs += Math.max(0, elapsedMs - this.#elapsedMs());
  }

  #drop(timer: PendingTimer): void {
    const index = this.#timers.indexOf(timer);
    if (index !== -1) this.#timers.splice(index, 1);
  }

  #arm(): void {
    if (this.mode === 'manual' || this.#isClosed) return;
    clearTimeout(this.#armed);
    const next = this.#timers[0];
    if (next === undefined) return;
    const waitMs = Math.max(0, next.atMs - this.#elapsedMs());
    this.#armed = setTimeout(() => this.#fireDue(), Math.min(Math.ceil(waitMs), MAX_TIMEOUT_MS));
  }

  #fireDue(): void {
    for (;;) {
      const next = this.#timers[0];
      if (next === undefined || next.atMs > this.#elapsedMs()) break;
      this.#timers.shift();
      next.fire();
    }
    this.#arm();
  }
}

/** GitHub's timestamps carry whole seconds: `2026-01-31T12:00:00Z`. */
export function isoSeconds(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

/** The `Date` header's form. */
export function httpDate(epochMs: number): string {
  return new Date(epochMs).toUTCString();
}

/** Real time, for giving up on something that simulated time may never bring. */
export function afterRealMs(ms: number, fire: () => void): () => void {
  const timeout = setTimeout(fire, ms);
  return () => clearTimeout(timeout);
}

/** Counts real time from now; the function it returns reads it, in whole ms. */
export function startStopwatch(): () => number {
  const startMs = performance.now();
  return () => Math.round(performance.now() - startMs);
}
