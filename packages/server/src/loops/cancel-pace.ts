import type { Attempt } from '../domain/attempt.ts';
import { repoKeyOf } from '../domain/run-keys.ts';
import type { Clock } from '../lib/clock.ts';

/** Under way at once: only those that hang add up. */
const MOST_AT_ONCE = 16;
/** One that hangs holds up no other of its repository; a repository that hangs leaves room for the others. */
const MOST_OF_A_REPO = 2;

type Cancelled = Pick<Attempt, 'id' | 'owner' | 'repo'>;

/** Whose turn it is to be cancelled, so that neither one that hangs nor one that fails at each try holds up the others. */
export class CancelPace {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #retryMs: number;
  /** On the monotonic clock, by attempt id. */
  readonly #triedAt = new Map<string, number>();
  /** Keys of their repositories, by attempt id. */
  readonly #underWay = new Map<string, string>();
  #isAnyLeftOut = false;

  /** @param retryMs none is tried again sooner */
  constructor(clock: Pick<Clock, 'monotonic'>, retryMs: number) {
    this.#clock = clock;
    this.#retryMs = retryMs;
  }

  /** Those that are due and not under way, tried longest ago first. */
  inTurn<T extends { readonly attempt: Cancelled }>(wanted: readonly T[]): T[] {
    this.#forget(wanted);
    this.#isAnyLeftOut = false;
    const now = this.#clock.monotonic();
    const triedAt = ({ attempt }: T): number => this.#triedAt.get(attempt.id) ?? -this.#retryMs;
    return wanted
      .filter((one) => !this.#underWay.has(one.attempt.id) && now - triedAt(one) >= this.#retryMs)
      .toSorted((a, b) => triedAt(a) - triedAt(b));
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
  }
}
