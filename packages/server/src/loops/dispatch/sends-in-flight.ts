import type { Clock } from '../../lib/clock.ts';

/** Twice what an answer usually takes: a forge that is slower holds nobody up. */
const LONGEST_ANSWER_WAIT_MS = 500;

/** Sends whose outcome is not recorded yet. None of them may fail. */
export class SendsInFlight {
  readonly #clock: Pick<Clock, 'monotonic' | 'sleep'>;
  /** With the moments at which they began. */
  readonly #startedAt = new Map<Promise<void>, number>();

  constructor(clock: Pick<Clock, 'monotonic' | 'sleep'>) {
    this.#clock = clock;
  }

  add(send: Promise<void>): void {
    const tracked = send.finally(() => this.#startedAt.delete(tracked));
    this.#startedAt.set(tracked, this.#clock.monotonic());
  }

  /** Until the forge has answered those that began just now, half a second at most. One that hangs is not waited for again and again. */
  async untilAnswered(): Promise<void> {
    const since = this.#clock.monotonic() - LONGEST_ANSWER_WAIT_MS;
    const young = [...this.#startedAt].filter(([, startedAt]) => startedAt > since);
    if (young.length === 0) return;
    const cut = new AbortController();
    const answered = Promise.all(young.map(([send]) => send));
    await Promise.race([answered, this.#clock.sleep(LONGEST_ANSWER_WAIT_MS, cut.signal)]);
    cut.abort();
  }

  async drain(): Promise<void> {
    await Promise.all(this.#startedAt.keys());
  }
}
