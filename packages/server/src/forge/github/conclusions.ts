import type { Clock } from '../../lib/clock.ts';

/** Servers are updated and accounts change hands; and one answer may have misled us. Once an hour the question costs little. */
const BELIEVED_MS = 60 * 60_000;

/** What was found out about a forge, each under its name. After an hour it is old, and so asked again. */
export class Conclusions<T> {
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly value: T; readonly foundAt: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `undefined`: not known, or so old that it is to be asked for. */
  find(name: string): T | undefined {
    const known = this.#known.get(name);
    if (known === undefined) return undefined;
    return this.#clock.monotonic() - known.foundAt < BELIEVED_MS ? known.value : undefined;
  }

  /** However old: better than nothing where nobody answers. */
  findOld(name: string): T | undefined {
    return this.#known.get(name)?.value;
  }

  note(name: string, value: T): void {
    this.#known.set(name, { value, foundAt: this.#clock.monotonic() });
  }
}
