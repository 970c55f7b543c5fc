import type { Clock } from '../lib/clock.ts';

/** As long as a tick waits for what it has started: what is quick ends with it, what is slow holds nobody up. */
const PATIENCE_MS = 500;

/**
 * Work of a loop that goes on beside its ticks, one piece at a time for each key: a repository or an owner about which
 * the forge does not answer must not keep the others waiting. A piece that is under way is never started a second time,
 * nor put in line.
 */
export class Background {
  readonly #onError: (error: unknown) => void;
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  get size(): number {
    return this.#underWay.size;
  }

  isUnderWay(key: string): boolean {
    return this.#underWay.has(key);
  }

  /**
   * False, and nothing is started: one of this key is under way.
   *
   * @param onEnd called when the next of this key may be started
   */
  tryStart(key: string, work: () => Promise<void>, onEnd: () => void = () => undefined): boolean {
    if (this.#underWay.has(key)) return false;
    this.#underWay.set(key, this.#run(key, work, onEnd));
    return true;
  }

  /** Until these have ended, half a second at most. */
  async waitFor(keys: readonly string[], clock: Pick<Clock, 'sleep'>): Promise<void> {
    const works = keys.flatMap((key) => this.#underWay.get(key) ?? []);
    if (works.length === 0) return;
    const cut = new AbortController();
    await Promise.race([Promise.all(works), clock.sleep(PATIENCE_MS, cut.signal)]);
    cut.abort();
  }

  /** Until nothing is under way, also of what was started meanwhile. */
  async drain(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay.values());
  }

  async #run(key: string, work: () => Promise<void>, onEnd: () => void): Promise<void> {
    // After `tryStart` has noted it: also what ends at once is under way until it has ended.
    await Promise.resolve();
    try {
      await work();
    } catch (error) {
      this.#onError(error);
    }
    this.#underWay.delete(key);
    onEnd();
  }
}
