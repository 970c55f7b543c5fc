import type { SimClock, SimTimer } from '../clock.ts';

/** Enough to turn a run's queued, in_progress and completed around, short enough to fill often. */
const BUFFER_SIZE = 4;
/** A delivery that no later one overtakes leaves after this. */
const HOLD_MS = 1_000;

export interface ReorderBufferDeps<Item> {
  clock: SimClock;
  /** Calls `onEnd` when the item has been answered or given up. */
  send: (item: Item, onEnd: () => void) => void;
  /** `isOvertaken` false: no later one came in time, it was only late. */
  onRelease: (item: Item, isOvertaken: boolean) => void;
}

interface Held<Item> {
  items: Item[];
  timer: SimTimer;
}

/**
 * Turns the order around: items of one key are held until four are there, or one that need not be
 * held has overtaken them, or their time is up; then the newest goes first. Each waits for the end
 * of the one before it, because two connections keep no order.
 */
export class ReorderBuffer<Item extends { id: number }> {
  readonly #deps: ReorderBufferDeps<Item>;
  readonly #held = new Map<string, Held<Item>>();

  constructor(deps: ReorderBufferDeps<Item>) {
    this.#deps = deps;
  }

  pass(key: string, item: Item, options: { shouldHold: boolean }): void {
    if (!options.shouldHold) {
      this.#release(key, [item]);
      return;
    }
    const held = this.#held.get(key) ?? this.#open(key);
    held.items.push(item);
    if (held.items.length >= BUFFER_SIZE) this.#release(key, []);
  }

  #open(key: string): Held<Item> {
    const timer = this.#deps.clock.after(HOLD_MS, () => this.#release(key, []));
    const held: Held<Item> = { items: [], timer };
    this.#held.set(key, held);
    return held;
  }

  #release(key: string, overtaking: readonly Item[]): void {
    const held = this.#held.get(key);
    this.#held.delete(key);
    held?.timer.cancel();
    const newestFirst = (held?.items ?? []).sort((a, b) => b.id - a.id);
    const isOvertaken = newestFirst.length + overtaking.length > 1;
    for (const item of newestFirst) this.#deps.onRelease(item, isOvertaken);
    this.#sendAll([...overtaking, ...newestFirst]);
  }

  #sendAll(items: readonly Item[]): void {
    const [first, ...rest] = items;
    if (first !== undefined) this.#deps.send(first, () => this.#sendAll(rest));
  }
}
