import { type Forge, ForgeError } from '../../forge/forge.ts';
import type { Clock } from '../../lib/clock.ts';
import { GrowingPauses } from '../forge-limits/growing-pauses.ts';
import { LimitPauses } from '../forge-limits/limit-pauses.ts';
import type { LoopContext } from '../leased-loop.ts';
import type { OwnerType } from './runner-scopes.ts';

/** A mistyped name stays mistyped; an account that was just made, or may be read from now on, is seen after this at the latest. */
const LONGEST_PAUSE_MS = 60 * 60_000;

export interface OwnerTypesDeps {
  readonly forge: Pick<Forge, 'findOwnerType'>;
  readonly clock: Clock;
  /** After the first answer that an account cannot be read; doubles each time. After no answer it stays so. */
  readonly pollIntervalMs: number;
}

/**
 * What owners are, as far as the forge has said: each is asked about beside the others, and nobody waits for one that
 * hangs. Whose account cannot be read, or meets a limit each time, is asked about ever more rarely, whatever wakes the loop.
 */
export class OwnerTypes {
  readonly #deps: OwnerTypesDeps;
  readonly #known = new Map<string, OwnerType>();
  readonly #unknown: GrowingPauses;
  readonly #unanswered: GrowingPauses;
  readonly #limits: LimitPauses;

  constructor(deps: OwnerTypesDeps) {
    const { clock, pollIntervalMs } = deps;
    this.#deps = deps;
    this.#unknown = new GrowingPauses({
      ...{ clock, firstMs: pollIntervalMs },
      longestMs: Math.max(LONGEST_PAUSE_MS, pollIntervalMs),
    });
    // Half an interval: the next tick but what wakes it sooner.
    const halfMs = pollIntervalMs / 2;
    this.#unanswered = new GrowingPauses({ clock, firstMs: halfMs, longestMs: halfMs });
    this.#limits = new LimitPauses(clock, halfMs);
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
   * Call at each tick, with all that are of interest: what the forge has said it remembers for a while by itself. Wakes
   * the loop when one turns out to be something else than it was known as.
   */
  async ask(owners: Iterable<string>, context: LoopContext): Promise<void> {
    const { background, wake, signal } = context;
    const wanted = [...new Set([...owners].map((owner) => owner.toLowerCase()))];
    const pauses = [this.#unknown, this.#unanswered];
    for (const each of pauses) each.keepOnly(wanted);
    const due = wanted
      .filter((owner) => pauses.every((each) => each.isOver(owner)))
      .filter((owner) => this.#limits.mayAsk({ what: owner }));
    const begun = due.filter((owner) =>
      background.tryStart(keyOf(owner), async () => {
        const type = await this.#typeOf(owner, signal);
        if (this.#known.get(owner) === type || !context.mayGoOn()) return;
        this.#known.set(owner, type);
        wake.notify();
      }),
    );
    await background.waitFor(begun.map(keyOf), this.#deps.clock);
  }

  /** The credential is another, or works again: accounts may be seen that were not before. */
  askAgain(): void {
    this.#unknown.endAll();
    this.#unanswered.endAll();
    this.#limits.endAll();
  }

  async #typeOf(owner: string, signal: AbortSignal): Promise<OwnerType> {
    try {
      const type = await this.#limits.ask({ what: owner }, () =>
        this.#deps.forge.findOwnerType(owner, signal),
      );
      if (type === undefined) return this.find(owner) ?? 'unknown';
      if (type === 'unknown') this.#unknown.noteInVain(owner);
      else this.#unknown.forget(owner);
      this.#unanswered.forget(owner);
      return type;
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
      this.#unanswered.noteInVain(owner);
      return 'unknown';
    }
  }
}

function keyOf(owner: string): string {
  return `owner:${owner}`;
}
