import pg from 'pg';
import type { Clock } from '../../../lib/clock.ts';
import { FailureLog } from '../../../lib/failure-log.ts';
import type { Logger } from '../../../lib/logger.ts';

/** Where committed events are announced; the payload is the origin of who wrote them. */
export const EVENTS_CHANNEL = 'dispatchoor_events';

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;
/** A connection that died without a word (a pulled cable) is found by asking. */
const ASK_EVERY_MS = 15_000;
const ANSWER_WITHIN_MS = 5_000;

export interface ListenerOptions {
  readonly client: pg.ClientConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Own commits are announced in the process itself. */
  readonly ownOrigin: string;
  /** For each announcement, and after each (re)connect: what was missed meanwhile is unknown. */
  readonly wake: () => void;
}

/** Listens until stopped, through any number of lost connections. */
export class PostgresListener {
  readonly #options: ListenerOptions;
  readonly #stop = new AbortController();
  readonly #failures: FailureLog;
  #running: Promise<void> | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { clock, logger } = options;
    this.#failures = new FailureLog(clock, (failure) => {
      logger.warn(failure, 'database listener failed');
    });
  }

  start(): void {
    if (this.#stop.signal.aborted) return;
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stop;
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        await this.#listenOnce(() => {
          retryMs = FIRST_RETRY_MS;
          this.#failures.end();
        });
      } catch (err) {
        this.#failures.fail(err);
      }
      await clock.sleep(retryMs, signal);
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    }
  }

  async #listenOnce(onConnected: () => void): Promise<void> {
    const { clock, logger, ownOrigin, wake } = this.#options;
    const client = new pg.Client({ ...this.#options.client, query_timeout: ANSWER_WITHIN_MS });
    const over = new AbortController();
    const end = (): void => over.abort();
    client.on('error', (err) => {
      logger.warn({ err }, 'database listener lost');
      end();
    });
    client.on('end', end);
    client.on('notification', ({ payload }) => {
      if (payload !== ownOrigin) wake();
    });
    this.#stop.signal.addEventListener('abort', end, { once: true });
    if (this.#stop.signal.aborted) end();
    try {
      await client.connect();
      await client.query(`listen ${EVENTS_CHANNEL}`);
      onConnected();
      wake();
      for (;;) {
        await clock.sleep(ASK_EVERY_MS, over.signal);
        if (over.signal.aborted) return;
        await client.query('select 1');
      }
    } finally {
      this.#stop.signal.removeEventListener('abort', end);
      await client.end().catch(() => undefined);
    }
  }
}
