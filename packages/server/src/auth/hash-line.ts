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
  /** Who takes turns with the others: by user and address where the right password is known, else by address. */
  readonly client: string;
  /** It has logged in before: in a full line its first place is safe. */
  readonly isProven?: boolean;
  /** Aborted, it leaves the line. What has begun goes on. */
  readonly signal?: AbortSignal;
}

interface Waiter {
  readonly client: string;
  /** Of the turns that its client takes with the others. */
  readonly round: number;
  readonly isProven: boolean;
  readonly start: () => void;
  readonly refuse: (refusal: LoginRefusal) => void;
}

/**
 * Where everything that hashes a password waits for its turn. Clients take turns, and in a full line those with the most places
 * lose them first: who logs in again and again, or guesses, from one address keeps out nobody at another.
 */
export class HashLine {
  readonly #mostWaiting: number;
  /** By rounds; in each by arrival. */
  readonly #waiting: Waiter[] = [];
  /** Of the last one that began. */
  #round = 0;
  #running = 0;

  constructor({ mostWaiting = MOST_WAITING }: { readonly mostWaiting?: number } = {}) {
    this.#mostWaiting = mostWaiting;
  }

  /** Rejects with a `LoginRefusal` (`busy`, `gone`) when `work` does not get its turn; else it is as `work` is. */
  async run<T>(work: () => Promise<T>, place: PlaceInLine): Promise<T> {
    if (place.signal?.aborted === true) throw new LoginRefusal('gone');
    if (this.#running >= MOST_AT_ONCE) await this.#turn(place);
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else this.#begin(next);
    }
  }

  #turn({ client, isProven = false, signal }: PlaceInLine): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const leave = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      reject(new LoginRefusal('gone'));
    };
    const waiter: Waiter = {
      ...{ client, isProven, round: this.#nextRoundOf(client) },
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

  #begin(waiter: Waiter): void {
    this.#round = waiter.round;
    waiter.start();
  }

  /** The present one for who is not waiting yet; else the one after its last. */
  #nextRoundOf(client: string): number {
    const last = this.#waiting.findLast((other) => other.client === client);
    return last === undefined ? this.#round : last.round + 1;
  }

  #enter(waiter: Waiter): void {
    const firstBehind = this.#waiting.findIndex((other) => other.round > waiter.round);
    this.#waiting.splice(firstBehind === -1 ? this.#waiting.length : firstBehind, 0, waiter);
    if (this.#waiting.length <= this.#mostWaiting) return;
    const [refused] = this.#waiting.splice(this.#leastDue(), 1);
    refused?.refuse(new LoginRefusal('busy', RETRY_AFTER_MS));
  }

  /** Its index: the last of those with the least claim to a place. */
  #leastDue(): number {
    const places = new Map<string, number>();
    let [index, least] = [0, 0];
    for (const [at, waiter] of this.#waiting.entries()) {
      const claim = claimOf(waiter, places);
      if (claim >= least) [index, least] = [at, claim];
    }
    return index;
  }
}

/** 0 is the best: the first place of who has logged in before; then its second, and the first of any other address; and so on. */
function claimOf({ client, isProven }: Waiter, places: Map<string, number>): number {
  const ahead = places.get(client) ?? 0;
  places.set(client, ahead + 1);
  return isProven ? ahead : ahead + 1;
}
