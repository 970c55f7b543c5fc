/** What was to be looked at in a repository while a look at it was under way. */
export interface OwedPoll {
  /** Something reported a change there: not left to the next interval. */
  readonly isSoon: boolean;
  /** Attempts that were given up, too. */
  readonly isWatched: boolean;
  /** Ids of attempts whose runs were started again. */
  readonly restarted: ReadonlySet<string>;
}

/**
 * Looks that no tick could begin, since two must never look at one repository at a time. One more is owed, however many
 * were left out: what moved a tick to look is reported only once. Keys are those of repositories.
 */
export class OwedPolls {
  readonly #owed = new Map<string, OwedPoll>();

  add(key: string, { isSoon, isWatched, restarted }: OwedPoll): void {
    const before = this.#owed.get(key);
    this.#owed.set(key, {
      isSoon: isSoon || before?.isSoon === true,
      isWatched: isWatched || before?.isWatched === true,
      restarted: new Set([...restarted, ...(before?.restarted ?? [])]),
    });
  }

  isSoon(key: string): boolean {
    return this.#owed.get(key)?.isSoon === true;
  }

  /** Those that can be made up for now; they are owed no longer. */
  take(isFree: (key: string) => boolean): ReadonlyMap<string, OwedPoll> {
    const taken = new Map([...this.#owed].filter(([key]) => isFree(key)));
    for (const key of taken.keys()) this.#owed.delete(key);
    return taken;
  }
}
