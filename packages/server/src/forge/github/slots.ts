interface Waiting {
  readonly about: string;
  readonly onTurn: () => void;
}

/**
 * Lets at most `size` pieces of work run at one time, and fewer of them about one thing: what hangs must leave room for
 * the rest. The others wait in line.
 */
export class Slots {
  readonly #mostOfOne: number;
  #free: number;
  /** By what they are about. */
  readonly #held = new Map<string, number>();
  readonly #waiting: Waiting[] = [];

  constructor(size: number, mostOfOne: number) {
    this.#free = size;
    this.#mostOfOne = mostOfOne;
  }

  /** Resolves with the function that gives the slot back; with `undefined` when `signal` aborts first. */
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
    return this.#free > 0 && (this.#held.get(about) ?? 0) < this.#mostOfOne;
  }

  #hold(about: string): void {
    this.#free -= 1;
    this.#held.set(about, (this.#held.get(about) ?? 0) + 1);
  }

  #giveBack(about: string): void {
    const left = (this.#held.get(about) ?? 1) - 1;
    if (left === 0) this.#held.delete(about);
    else this.#held.set(about, left);
    this.#free += 1;
    const next = this.#waiting.findIndex((one) => this.#hasRoom(one.about));
    const [waiting] = next === -1 ? [] : this.#waiting.splice(next, 1);
    if (waiting === undefined) return;
    // The slot goes straight to the next in line: nobody may slip in between.
    this.#hold(waiting.about);
    waiting.onTurn();
  }
}
