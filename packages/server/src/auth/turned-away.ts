/** Each takes some 200 bytes, 800 with the longest name. More than come back while a refusal is told late and then waited for. */
const MOST = 10_000;

/** Who found the line of logins full, and since when he is due. Of many, those who were refused last. */
export class TurnedAway {
  readonly #since = new Map<string, number>();

  keep(who: string, since: number): void {
    const before = this.#since.get(who);
    this.#since.delete(who);
    this.#since.set(who, Math.min(since, before ?? since));
    const [oldest] = this.#since.keys();
    if (this.#since.size > MOST && oldest !== undefined) this.#since.delete(oldest);
  }

  /** Good for one more try. */
  take(who: string): number | undefined {
    const since = this.#since.get(who);
    this.#since.delete(who);
    return since;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#since.size;
  }
}
