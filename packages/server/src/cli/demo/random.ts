/**
 * A seeded stream of numbers (xorshift32): the same seed gives the same load and the same kill moments. The
 * quality is that of a shuffled deck, not of a lottery.
 */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    // The generator has one fixed point, 0; the multiplication keeps neighbouring seeds apart.
    this.#state = Math.imul(seed + 1, 0x9e3779b1) >>> 0 || 1;
    for (let i = 0; i < 8; i += 1) this.next();
  }

  /** 0 ≤ n < 1. */
  next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state >>> 0;
    return this.#state / 4_294_967_296;
  }

  /** A whole number, both ends included. */
  within(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** Throws for an empty list. */
  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.next() * items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, key: this.next() }))
      .sort((a, b) => a.key - b.key)
      .map(({ item }) => item);
  }
}
