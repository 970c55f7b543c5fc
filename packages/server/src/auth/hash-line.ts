import { LoginRefusal } from './login-refusal.ts';

/**
 * Each hash takes a core for some 30 ms, 19 MiB, and one of the four threads in which the process also looks up host
 * names and unpacks answers: two of them, and a core, are always left to the rest.
 */
const MOST_AT_ONCE = 2;
/** Half a second of waiting, a few on a slow machine. */
const MOST_WAITING = 16;
const RETRY_AFTER_MS = 5_000;

export interface PlaceInLine {
  /** Who has logged in before goes ahead of who has not, and takes the place of one of them in a full line. */
  readonly isProven?: boolean;
  /** Aborted, it leaves the line. What has begun goes on. */
  readonly signal?: AbortSignal;
}

interface Waiter {
  readonly isProven: boolean;
  readonly start: () => void;
  readonly refuse: (refusal: LoginRefusal) => void;
}

/** Where everything that hashes a password waits for its turn. */
export class HashLine {
  readonly #mostWaiting: number;
  readonly #waiting: Waiter[] = [];
  #running = 0;

  constructor({ mostWaiting = MOST_WAITING }: { readonly mostWaiting?: number } = {}) {
    this.#mostWaiting = mostWaiting;
  }

  /** Rejects with a `LoginRefusal` (`busy`, `gone`) when `work` does not get its turn; else it is as `work` is. */
  async run<T>(work: () => Promise<T>, place: PlaceInLine = {}): Promise<T> {
    if (place.signal?.aborted === true) throw new LoginRefusal('gone');
    if (this.#running >= MOST_AT_ONCE) await this.#turn(place);
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next.start();
    }
  }

  #turn({ isProven = false, signal }: PlaceInLine): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const leave = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      reject(new LoginRefusal('gone'));
    };
    const waiter: Waiter = {
      isProven,
      start: () => {
        signal?.removeEventListener('abort', leave);
        resolve(undefined);
      },
      refuse: (refusal) => {
        signal?.removeEventListener('abort', leave);
        reject(refusal);
      },
    };
    signal?.addEventListener('abort', leave, { once: true });
    this.#enter(waiter);
    return promise;
  }

  #enter(waiter: Waiter): void {
    const firstBehind = waiter.isProven ? this.#waiting.findIndex((other) => !other.isProven) : -1;
    this.#waiting.splice(firstBehind === -1 ? this.#waiting.length : firstBehind, 0, waiter);
    if (this.#waiting.length <= this.#mostWaiting) return;
    this.#waiting.pop()?.refuse(new LoginRefusal('busy', RETRY_AFTER_MS));
  }
}
