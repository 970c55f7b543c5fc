import type { Clock } from '../../lib/clock.ts';

/** Requests that were under way at the same time meet one limit of the account's within this time. */
const SAME_LIMIT_MS = 60_000;

interface Met {
  /** Since then something was done for another that has met none. */
  isOwn: boolean;
  /** Monotonic. */
  readonly at: number;
}

export interface OwnLimitsOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** How long a limit of its own is remembered of what went through since: it may let a few through now and then. */
  readonly rememberedMs: number;
}

/**
 * Whose limit it is that requests meet: a forge, or what stands before it, does not say, and stops the credential each time. A limit
 * of the whole account is met by whatever is asked next; one of its own a request meets again, while others go through.
 */
export class OwnLimits {
  readonly #options: OwnLimitsOptions;
  /** Those that met a limit, and for which nothing was done since. */
  readonly #met = new Map<string, Met>();
  /** Those that met one of their own, and went through since; monotonic, when that is forgotten. */
  readonly #lately = new Map<string, number>();

  constructor(options: OwnLimitsOptions) {
    this.#options = options;
  }

  /** @returns whether it looks like its own: it met one before, and since then another that had met none went through */
  meet(key: string): boolean {
    const isOwn = this.#met.get(key)?.isOwn ?? this.#wasOwn(key);
    this.#met.set(key, { isOwn, at: this.#options.clock.monotonic() });
    return isOwn;
  }

  /**
   * It went through.
   *
   * @returns those that met one as well: nobody's own, since this one met it, too, and it is over. Not what was known to meet one
   *   of its own before that one came.
   */
  pass(key: string): string[] {
    const met = this.#met.get(key);
    if (met === undefined) {
      for (const other of this.#met.values()) other.isOwn = true;
      return [];
    }
    const isSame = ({ isOwn, at }: Met): boolean => !isOwn || at >= met.at - SAME_LIMIT_MS;
    if (met.isOwn) this.#remember(key);
    this.#met.delete(key);
    const others = [...this.#met].flatMap(([other, itsMet]) => (isSame(itsMet) ? [other] : []));
    for (const other of others) this.#met.delete(other);
    return others;
  }

  /** Those with a limit of their own, as far as is known. */
  listOwn(): string[] {
    return [...this.#met].filter(([, { isOwn }]) => isOwn).map(([key]) => key);
  }

  #wasOwn(key: string): boolean {
    return (this.#lately.get(key) ?? -Infinity) > this.#options.clock.monotonic();
  }

  #remember(key: string): void {
    const { clock, rememberedMs } = this.#options;
    for (const one of this.#lately.keys()) if (!this.#wasOwn(one)) this.#lately.delete(one);
    this.#lately.set(key, clock.monotonic() + rememberedMs);
  }
}
