import type { PendingJob } from '../dispatch-state.ts';
import type { Assignment } from './assignment.ts';
import { addBit, type Bits, commonBits, listBits } from './bits.ts';
import type { RunnerPool } from './runner-pool.ts';

/** What a plan leaves to jobs of a group that were not among the heads it was shown. */
export class GroupRoom {
  readonly #usable: Bits;
  readonly #keepable: Bits;
  readonly #pool: RunnerPool;
  readonly #assignment: Assignment;
  readonly #counts = new Map<Bits, Map<number, number>>();

  /** @param keepable classes that jobs of the group may use, and that none of them waits to have enough of. */
  constructor(keepable: Bits, pool: RunnerPool, assignment: Assignment) {
    this.#keepable = keepable;
    this.#usable = commonBits(keepable, pool.free);
    this.#pool = pool;
    this.#assignment = assignment;
  }

  /** Those in which one more runner could be had, be it by swapping. */
  listScopes(): string[] {
    const { classes } = this.#pool;
    const byScope = Map.groupBy(listBits(this.#usable), (n) => classes[n]?.scope ?? '');
    return [...byScope].flatMap(([scope, ofScope]) => {
      const bits = this.#pool.none();
      for (const n of ofScope) addBit(bits, n);
      return this.#assignment.countRoom(this.#assignment.kindOf(bits), 1) > 0 ? [scope] : [];
    });
  }

  /** Whether a job that cannot start could still have those behind it leave runners alone. */
  mayKeep(units: number, place?: Pick<PendingJob, 'owner' | 'repo'>): boolean {
    if (units <= 1) return false;
    const cover = place && this.#pool.covering(place.owner, place.repo);
    const bits = cover ? commonBits(this.#keepable, cover) : this.#keepable;
    // Online ones count whatever their labels: a job shown in vain hides nothing, one not shown is overtaken.
    return listBits(bits).length > 0 && this.#pool.count(cover ?? this.#pool.all()).online >= units;
  }

  /** How many runners at once, up to `most`, a job could get; without a place: in any repository. */
  count(most: number, place?: Pick<PendingJob, 'owner' | 'repo'>): number {
    const cover = place && this.#pool.covering(place.owner, place.repo);
    const fitting = cover ?? this.#usable;
    const counts = this.#counts.get(fitting) ?? new Map<number, number>();
    this.#counts.set(fitting, counts);
    const known = counts.get(most);
    if (known !== undefined) return known;
    const kind = this.#assignment.kindOf(commonBits(this.#usable, fitting));
    const count = this.#assignment.countRoom(kind, most);
    counts.set(most, count);
    return count;
  }
}
