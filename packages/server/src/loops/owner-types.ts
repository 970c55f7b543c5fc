import { type Forge, ForgeError } from '../forge/forge.ts';
import type { Clock } from '../lib/clock.ts';
import type { LoopContext } from './leased-loop.ts';
import type { OwnerType } from './runner-scopes.ts';

export interface OwnerTypesDeps {
  readonly forge: Pick<Forge, 'findOwnerType'>;
  readonly clock: Clock;
}

/** What owners are, as far as the forge has said: each is asked about beside the others, and nobody waits for one that hangs. */
export class OwnerTypes {
  readonly #deps: OwnerTypesDeps;
  readonly #known = new Map<string, OwnerType>();

  constructor(deps: OwnerTypesDeps) {
    this.#deps = deps;
  }

  /** `undefined`: nobody has said yet. */
  find(owner: string): OwnerType | undefined {
    return this.#known.get(owner.toLowerCase());
  }

  isKnown(owner: string): boolean {
    const type = this.find(owner);
    return type === 'org' || type === 'user';
  }

  /**
   * Call at each tick: what the forge has said it remembers for a while by itself. Wakes the loop when one turns out to be
   * something else than it was known as.
   */
  async ask(owners: Iterable<string>, context: LoopContext): Promise<void> {
    const { background, wake, signal } = context;
    const begun = [...new Set([...owners].map((owner) => owner.toLowerCase()))].filter((owner) =>
      background.tryStart(keyOf(owner), async () => {
        const type = await this.#typeOf(owner, signal);
        if (this.#known.get(owner) === type || !context.mayGoOn()) return;
        this.#known.set(owner, type);
        wake.knock();
      }),
    );
    await background.waitFor(begun.map(keyOf), this.#deps.clock);
  }

  async #typeOf(owner: string, signal: AbortSignal): Promise<OwnerType> {
    try {
      return await this.#deps.forge.findOwnerType(owner, signal);
    } catch (error) {
      if (error instanceof ForgeError) return 'unknown';
      throw error;
    }
  }
}

function keyOf(owner: string): string {
  return `owner:${owner}`;
}
