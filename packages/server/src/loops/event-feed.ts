import type { Event } from '../domain/event.ts';
import type { Clock } from '../lib/clock.ts';
import { FailureLog } from '../lib/failure-log.ts';
import type { Logger } from '../lib/logger.ts';
import { runLoop, Wake } from '../lib/loop.ts';
import { makeYield } from '../lib/yield.ts';
import type { EventStore } from '../store/port/events.ts';

/** The safety net under the database's own notifications. */
const CHECK_EVERY_MS = 1_000;
const BATCH = 500;

export type EventListener = (event: Event) => void;

/** Reads committed events in commit order and hands each to every listener: wake-ups, counters, pushes. */
export class EventFeed {
  readonly #deps: { events: EventStore; clock: Clock; logger: Logger };
  readonly #listeners = new Set<EventListener>();
  #seq = 0;

  constructor(deps: { events: EventStore; clock: Clock; logger: Logger }) {
    this.#deps = deps;
  }

  listen(listener: EventListener): void {
    this.#listeners.add(listener);
  }

  /** From here on everything committed is seen; call before the loops look at the world for the first time. */
  async open(): Promise<void> {
    this.#seq = await this.#deps.events.lastSeq();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { events, clock, logger } = this.#deps;
    const wake = new Wake();
    const stop = events.onCommit(() => {
      wake.notify();
    });
    const failures = new FailureLog(clock, (failure) => {
      logger.warn(failure, 'events not read');
    });
    const tick = async (): Promise<void> => {
      await this.#readNew(signal);
      failures.end();
    };
    try {
      await runLoop(tick, {
        clock,
        signal,
        everyMs: CHECK_EVERY_MS,
        wake,
        onError: (error) => {
          failures.fail(error);
        },
      });
    } finally {
      stop();
    }
  }

  async #readNew(signal: AbortSignal): Promise<void> {
    const yieldNow = makeYield(this.#deps.clock);
    for (;;) {
      const batch = await this.#deps.events.listAfter(this.#seq, BATCH);
      for (const event of batch) {
        this.#seq = event.seq;
        this.#hand(event);
        await yieldNow();
      }
      if (batch.length < BATCH || signal.aborted) return;
    }
  }

  #hand(event: Event): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#deps.logger.error({ err: error, seq: event.seq }, 'event listener failed');
      }
    }
  }
}
