/** Once is usual, where runners come and go: a list is news when it never adds up. */
const LOGGED_AFTER_LISTINGS = 3;

/** Which lists of runners do not add up, listing after listing. */
export class ListMismatches {
  readonly #listings = new Map<string, number>();

  /**
   * @param mismatch `''`: it adds up
   * @returns whether it is to be logged: once, until it has added up again
   */
  isNews(scope: string, mismatch: string): boolean {
    if (mismatch === '') {
      this.#listings.delete(scope);
      return false;
    }
    const listings = (this.#listings.get(scope) ?? 0) + 1;
    this.#listings.set(scope, listings);
    return listings === LOGGED_AFTER_LISTINGS;
  }
}
