interface Waiting {
  readonly about: string;
  readonly onTurn: () => void;
}

/**
 * How many slots one repository or scope may hold for each that is left free, and all of one owner: of sixteen a half, and
 * all but two. What the next one that hangs may hold is counted by what is left then, so that several leave some, too.
 */
const HELD_PER_FREE = { place: 1, owner: 7 } as const;

/** Lets at most `size` pieces of work run at one time: what hangs must leave room for the rest. The others wait in line. */
export class Slots {
  #free: number;
  readonly #held = { place: new Map<string, number>(), owner: new Map<string, number>() };
  readonly #waiting: Waiting[] = [];

  constructor(size: number) {
    this.#free = size;
  }

  /**
   * Resolves with the function that gives the slot back; with `undefined` when `signal` aborts first.
   *
   * @param about a repository (`owner/repo`), a scope (`org:owner`), or an owner
   */
  async take(about: string, signal: AbortSignal): Promise<(() => void) | undefined> {
    if (signal.aborted) return undefined;
    if (this.#hasRoom(about)) this.#hold(about);
    else if (!(await this.#waitInLine(about, signal))) return undefined;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#giveBack(about);
    };
  }

  #waitInLine(about: string, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const onTurn = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve(true);
      };
      const waiting = { about, onTurn };
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        resolve(false);
      };
      this.#waiting.push(waiting);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #hasRoom(about: string): boolean {
    const { place, owner } = this.#heldBy(about);
    const free = this.#free;
    return place < free * HELD_PER_FREE.place && owner < free * HELD_PER_FREE.owner;
  }

  #heldBy(about: string): { readonly place: number; readonly owner: number } {
    const { place, owner } = this.#held;
    return { place: place.get(about) ?? 0, owner: owner.get(ownerOf(about)) ?? 0 };
  }

  #hold(about: string): void {
    this.#free -= 1;
    this.#count(about, 1);
  }

  #giveBack(about: string): void {
    this.#free += 1;
    this.#count(about, -1);
    // More than one may have room now: those about what held too much before.
    for (let next = this.#nextInLine(); next !== -1; next = this.#nextInLine()) {
      const [waiting] = this.#waiting.splice(next, 1);
      if (waiting === undefined) return;
      // The slot goes straight to the next in line: nobody may slip in between.
      this.#hold(waiting.about);
      waiting.onTurn();
    }
  }

  #nextInLine(): number {
    return this.#waiting.findIndex((one) => this.#hasRoom(one.about));
  }

  #count(about: string, change: 1 | -1): void {
    const held = this.#heldBy(about);
    set(this.#held.place, about, held.place + change);
    set(this.#held.owner, ownerOf(about), held.owner + change);
  }
}

function set(counts: Map<string, number>, key: string, count: number): void {
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

function ownerOf(about: string): string {
  const [owner = ''] = about.slice(about.indexOf(':') + 1).split('/');
  return owner.toLowerCase();
}
