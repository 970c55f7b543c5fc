/** More different messages about one thing are no news either, only many. */
const MOST_REMEMBERED = 20;

/**
 * A forge that fails is asked again at every look. Each trouble is news once; until it is over, what repeats is only
 * for who looks for it.
 */
export class LogThrottle {
  readonly #logged = new Map<string, Set<string>>();

  /** The level to log it with. @param about what has the trouble, such as a repository */
  levelOf(about: string, error: unknown): 'warn' | 'debug' {
    const message = error instanceof Error ? error.message : String(error);
    const logged = this.#logged.get(about) ?? new Set();
    this.#logged.set(about, logged);
    if (logged.has(message) || logged.size >= MOST_REMEMBERED) return 'debug';
    logged.add(message);
    return 'warn';
  }

  over(about: string): void {
    this.#logged.delete(about);
  }

  /** Forgets all that is about anything else. */
  keepOnly(abouts: Iterable<string>): void {
    if (this.#logged.size === 0) return;
    const kept = new Set(abouts);
    for (const about of this.#logged.keys()) if (!kept.has(about)) this.#logged.delete(about);
  }
}
