import type { Attempt } from '../../domain/attempt.ts';
import { repoKeyOf } from '../../domain/run-keys.ts';
import type { Clock } from '../../lib/clock.ts';
import { GrowingPauses } from '../forge-limits/growing-pauses.ts';

/** Under way at once: only those that hang add up. */
const MOST_AT_ONCE = 16;
/** One that hangs holds up no other of its repository; a repository that hangs leaves room for the others. */
const MOST_OF_A_REPO = 2;
/** Of what lasts: the longest pause, as a multiple of the first. */
const LONGEST_OF_RETRY = 16;

/** What will go on for a while: nothing of the repository can be read, or not all runs that one has to be told from. */
export type LastingCause = 'closed' | 'unlisted';

type Cancelled = Pick<Attempt, 'id' | 'owner' | 'repo'>;

/** Whose turn it is to be cancelled, so that neither one that hangs nor one that fails at each try holds up the others. */
export class CancelPace {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #retryMs: number;
  /** On the monotonic clock, by attempt id. */
  readonly #triedAt = new Map<string, number>();
  /** Keys of their repositories, by attempt id. */
  readonly #underWay = new Map<string, string>();
  /** What their last try failed for, and in which repository; by attempt id. */
  readonly #lasting = new Map<string, string>();
  readonly #pauses: GrowingPauses;
  #isAnyLeftOut = false;

  /** @param retryMs none is tried again sooner */
  constructor(clock: Pick<Clock, 'monotonic'>, retryMs: number) {
    this.#clock = clock;
    this.#retryMs = retryMs;
    const longestMs = LONGEST_OF_RETRY * retryMs;
    this.#pauses = new GrowingPauses({ clock, firstMs: retryMs, longestMs });
  }

  /**
   * Those that are due and not under way, tried longest ago first. Of those that fail for one lasting cause only one: were all
   * asked for, a repository that was deleted would use up the requests that dispatches need.
   */
  inTurn<T extends { readonly attempt: Cancelled }>(wanted: readonly T[]): T[] {
    this.#forget(wanted);
    this.#isAnyLeftOut = false;
    const now = this.#clock.monotonic();
    const triedAt = ({ attempt }: T): number => this.#triedAt.get(attempt.id) ?? -this.#retryMs;
    const due = wanted
      .filter((one) => !this.#underWay.has(one.attempt.id) && now - triedAt(one) >= this.#retryMs)
      .toSorted((a, b) => triedAt(a) - triedAt(b));
    const asked = new Set([...this.#underWay.keys()].map((id) => this.#lasting.get(id)));
    return due.filter(({ attempt }) => {
      const cause = this.#lasting.get(attempt.id);
      if (cause === undefined) return true;
      if (asked.has(cause) || !this.#pauses.isOver(cause)) return false;
      asked.add(cause);
      return true;
    });
  }

  /** Its try failed, and so will the next. */
  noteLasting({ id, ...place }: Cancelled, what: LastingCause): void {
    const cause = `${what} ${repoKeyOf(place)}`;
    this.#lasting.set(id, cause);
    // One that was tried beside the first says nothing new.
    if (this.#pauses.isOver(cause)) this.#pauses.noteInVain(cause);
  }

  /** Its try did not fail so: the others of its repository are tried again. */
  noteOver({ id }: Cancelled): void {
    const cause = this.#lasting.get(id);
    if (cause === undefined) return;
    this.#pauses.forget(cause);
    for (const [one, its] of this.#lasting) if (its === cause) this.#lasting.delete(one);
  }

  /** False: too many are under way; it is left out for now. */
  tryBegin({ id, ...place }: Cancelled): boolean {
    const repo = repoKeyOf(place);
    const ofRepo = [...this.#underWay.values()].filter((key) => key === repo).length;
    const mayBegin = this.#underWay.size < MOST_AT_ONCE && ofRepo < MOST_OF_A_REPO;
    if (!mayBegin) {
      this.#isAnyLeftOut = true;
      return false;
    }
    this.#underWay.set(id, repo);
    this.#triedAt.set(id, this.#clock.monotonic());
    return true;
  }

  /** @returns whether one that was left out may go now */
  end({ id }: Cancelled): boolean {
    this.#underWay.delete(id);
    return this.#isAnyLeftOut;
  }

  #forget(wanted: readonly { readonly attempt: Cancelled }[]): void {
    const ids = new Set(wanted.map(({ attempt }) => attempt.id));
    for (const id of this.#triedAt.keys()) if (!ids.has(id)) this.#triedAt.delete(id);
    for (const id of this.#lasting.keys()) if (!ids.has(id)) this.#lasting.delete(id);
    this.#pauses.keepOnly(this.#lasting.values());
  }
}
