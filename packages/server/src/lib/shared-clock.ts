import type { Clock } from './clock.ts';

/** The machine's clock, put right by what several machines share. */
export class SharedClock implements Clock {
  readonly #machine: Clock;
  #correctionMs = 0;

  constructor(machine: Clock) {
    this.#machine = machine;
  }

  /** @param behindMs how far `now()` is behind the shared clock; negative: ahead */
  correct(behindMs: number): void {
    this.#correctionMs += behindMs;
  }

  now(): number {
    return this.#machine.now() + this.#correctionMs;
  }

  monotonic(): number {
    return this.#machine.monotonic();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#machine.sleep(ms, signal);
  }

  after(ms: number, action: () => void): () => void {
    return this.#machine.after(ms, action);
  }
}
