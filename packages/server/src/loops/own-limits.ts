interface Met {
  /** Since then something was done for another that has met none. */
  isOwn: boolean;
}

/**
 * Whose limit it is that requests meet: a forge, or what stands before it, does not say, and stops the credential each time. A limit
 * of the whole account is met by whatever is asked next; one of its own a request meets again, while others go through.
 */
export class OwnLimits {
  /** Those that met a limit, and for which nothing was done since. */
  readonly #met = new Map<string, Met>();

  /** @returns whether it looks like its own: it met one before, and since then another that had met none went through */
  meet(key: string): boolean {
    const isOwn = this.#met.get(key)?.isOwn ?? false;
    this.#met.set(key, { isOwn });
    return isOwn;
  }

  /** It went through. @returns those that met one as well: nobody's own, since this one met it, too, and it is over */
  pass(key: string): string[] {
    if (!this.#met.delete(key)) {
      for (const met of this.#met.values()) met.isOwn = true;
      return [];
    }
    const others = [...this.#met.keys()];
    this.#met.clear();
    return others;
  }
}
