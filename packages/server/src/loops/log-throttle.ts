/** More different messages about one thing are no news either, only many. */
const MOST_REMEMBERED = 20;

/**
 * A forge that fails is asked again at every look. Each trouble is news once; until it is over, what repeats is only
 * for who looks for it.
 */
export class LogThrottle {
  readonly #told = new Map<string, Set<string>>();

  /** The level to log it with. @param about what has the trouble, such as a repository */
  levelOf(about: string, error: unknown): 'warn' | 'debug' {
    const message = error instanceof Error ? error.message : String(error);
    const told = this.#told.get(about) ?? new Set();
    this.#told.set(about, told);
    if (told.has(message) || told.size >= MOST_REMEMBERED) return 'debug';
    told.add(message);
    return 'warn';
  }

  over(about: string): void {
    this.#told.delete(about);
  }

  /** Forgets all that is about anything else. */
  keepOnly(abouts: Iterable<string>): void {
    if (this.#told.size === 0) return;
    const kept = new Set(abouts);
    for (const about of this.#told.keys()) if (!kept.has(about)) this.#told.delete(about);
  }
}
