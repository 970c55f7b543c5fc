import {
  addBit,
  type Bits,
  commonBits,
  firstCommonBit,
  isSubset,
  listBits,
  removeBit,
} from './bits.ts';

/** One unit of a kind goes to a class, from another one or (`null`) newly. */
interface Shift {
  readonly kind: number;
  readonly from: number | null;
  readonly to: number;
}

interface Kind {
  /** Classes it may use. */
  readonly classes: Bits;
  /** More units than this cannot be placed any more: what one placement takes, no later one gives back. */
  room: number;
  /** The last swap that worked: tried first, since the next job of the kind mostly needs the same one. */
  lastSwap: readonly Shift[] | undefined;
}

/**
 * Units of demand on classes of runners: a matching that grows one unit at a time and never drops one.
 *
 * Demand with the same fitting classes is one *kind*, so the graph has kinds × classes edges, however many jobs
 * and runners there are. A unit takes the first fitting class with a free runner; if there is none, a
 * breadth-first search looks for units that can move over (an augmenting path). A class once full stays full, so a
 * unit's class was the first free one when it took it, and still is.
 *
 * A search that fails has seen only full classes, taken only by kinds that fit nowhere else: no later search
 * can leave that set, so it is closed for good and never searched again.
 */
export class Assignment {
  /** Edges looked at in searches: each at most once per search, so at most kinds × classes each. */
  steps = 0;
  searches = 0;
  readonly #left: number[];
  /** Classes with a free runner left. */
  readonly #open: Bits;
  readonly #closed: Bits;
  /** Per class: units by kind. */
  readonly #takers: readonly Map<number, number>[];
  readonly #kinds: Kind[] = [];
  readonly #kindByClasses = new Map<string, number>();

  /** @param free free runners per class, in order of preference. @param open the classes where it is not 0. */
  constructor(free: readonly number[], open: Bits) {
    this.#left = [...free];
    this.#open = Int32Array.from(open);
    this.#closed = new Int32Array(open.length);
    this.#takers = free.map(() => new Map());
  }

  get kindCount(): number {
    return this.#kinds.length;
  }

  /** The number of the kind of demand that fits these classes. */
  kindOf(fitting: Bits): number {
    const key = fitting.join();
    const known = this.#kindByClasses.get(key);
    if (known !== undefined) return known;
    this.#kindByClasses.set(key, this.#kinds.length);
    return this.#kinds.push({ classes: fitting, room: Infinity, lastSwap: undefined }) - 1;
  }

  /** Places as many of `units` as there is room for; tells how many. */
  takeUpTo(kind: number, units: number): number {
    let taken = 0;
    while (taken < units && this.#tryTakeOne(kind, { mayClose: true })) taken++;
    return taken;
  }

  /** All of `units`, or none and `false`. */
  tryTake(kind: number, units: number): boolean {
    const demand = this.#kinds[kind];
    if (demand === undefined || units > demand.room) return false;
    const done: Shift[] = [];
    for (let taken = 0; taken < units; taken++) {
      // What a search closes after the first unit would not hold once that unit is taken back.
      if (this.#tryTakeOne(kind, { mayClose: taken === 0, done })) continue;
      if (taken > 0) this.#undo(done);
      demand.room = taken;
      return false;
    }
    return true;
  }

  /** How many of `units` could be placed; none is. */
  countRoom(kind: number, units: number): number {
    const done: Shift[] = [];
    let taken = 0;
    while (taken < units && this.#tryTakeOne(kind, { mayClose: taken === 0, done })) taken++;
    this.#undo(done);
    return taken;
  }

  /** Nothing more can be placed on these classes, not even by swapping. */
  isClosed(classes: Bits): boolean {
    return isSubset(classes, this.#closed);
  }

  /** Some of these classes has a free runner left. */
  isOpen(classes: Bits): boolean {
    return firstCommonBit(classes, this.#open) >= 0;
  }

  /** Free runners of a class that nothing was placed on. */
  leftOn(n: number): number {
    return this.#left[n] ?? 0;
  }

  /** Which kinds sit on a class, with how many units. */
  takersOf(n: number): ReadonlyMap<number, number> {
    return this.#takers[n] ?? new Map<number, number>();
  }

  #tryTakeOne(kind: number, how: { readonly mayClose: boolean; readonly done?: Shift[] }): boolean {
    const demand = this.#kinds[kind];
    if (demand === undefined || demand.room === 0) return false;
    const to = firstCommonBit(demand.classes, this.#open);
    const swap = to >= 0 ? [{ kind, from: null, to }] : this.#findSwap(kind, demand, how.mayClose);
    if (swap === undefined) return false;
    for (const shift of swap) this.#shift(shift);
    how.done?.push(...swap);
    return true;
  }

  #findSwap(kind: number, demand: Kind, mayClose: boolean): readonly Shift[] | undefined {
    const { lastSwap } = demand;
    if (lastSwap !== undefined && this.#stillWorks(lastSwap)) return lastSwap;
    demand.lastSwap = this.#search(kind, demand, mayClose);
    return demand.lastSwap;
  }

  #stillWorks(swap: readonly Shift[]): boolean {
    return swap.every(
      ({ kind, from, to }, i) =>
        (i > 0 || (this.#left[to] ?? 0) > 0) && (from === null || this.takersOf(from).has(kind)),
    );
  }

  /** Breadth first from the kind, over full classes to the kinds on them, until one of those has a free class. */
  #search(start: number, demand: Kind, mayClose: boolean): readonly Shift[] | undefined {
    this.searches++;
    const unseen = this.#closed.map((word) => ~word);
    /** How each kind was reached: the class it could leave. */
    const leaves = new Map<number, number | null>([[start, null]]);
    /** Which kind would move onto a class. */
    const movesTo = new Map<number, number>();
    for (const kind of leaves.keys()) {
      for (const n of listBits(commonBits(this.#classesOf(kind), unseen))) {
        this.steps++;
        removeBit(unseen, n);
        movesTo.set(n, kind);
        for (const taker of this.takersOf(n).keys()) {
          if (taker === kind) continue;
          this.steps++;
          if (leaves.has(taker)) continue;
          leaves.set(taker, n);
          const to = firstCommonBit(this.#classesOf(taker), this.#open);
          if (to >= 0) return swapAlong(taker, to, leaves, movesTo);
        }
      }
    }
    if (mayClose) this.#close(demand, movesTo.keys());
    return undefined;
  }

  #close(demand: Kind, seen: Iterable<number>): void {
    for (const n of seen) addBit(this.#closed, n);
    demand.room = 0;
  }

  #classesOf(kind: number): Bits {
    return this.#kinds[kind]?.classes ?? new Int32Array();
  }

  #shift({ kind, from, to }: Shift): void {
    this.#move(kind, to, 1);
    if (from !== null) this.#move(kind, from, -1);
  }

  #move(kind: number, n: number, by: 1 | -1): void {
    const takers = this.#takers[n];
    const units = (takers?.get(kind) ?? 0) + by;
    if (units === 0) takers?.delete(kind);
    else takers?.set(kind, units);
    const left = (this.#left[n] ?? 0) - by;
    this.#left[n] = left;
    if (left > 0) addBit(this.#open, n);
    else removeBit(this.#open, n);
  }

  #undo(done: readonly Shift[]): void {
    for (const { kind, from, to } of done.toReversed()) {
      this.#move(kind, to, -1);
      if (from !== null) this.#move(kind, from, 1);
    }
    // Classes that were full while these swaps were found have room again: a better one may exist.
    for (const kind of this.#kinds) kind.lastSwap = undefined;
  }
}

/** From the free class back to where the search began. */
function swapAlong(
  last: number,
  free: number,
  leaves: ReadonlyMap<number, number | null>,
  movesTo: ReadonlyMap<number, number>,
): Shift[] {
  const shifts: Shift[] = [];
  let [kind, to]: [number, number] = [last, free];
  for (;;) {
    const from = leaves.get(kind) ?? null;
    shifts.push({ kind, from, to });
    if (from === null) return shifts;
    kind = movesTo.get(from) ?? last;
    to = from;
  }
}
