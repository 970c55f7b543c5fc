import { LoginRefusal } from './login-refusal.ts';
import { TurnedAway } from './turned-away.ts';

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
  /** Of those who share a client, such as by user and address: refused, he keeps his seniority for his next try. */
  readonly who: string;
  /** It has logged in before: in a full line its first place is safe. */
  readonly isProven?: boolean;
  /** Aborted, it leaves the line. What has begun goes on. */
  readonly signal?: AbortSignal;
}

interface Waiter {
  readonly client: string;
  readonly who: string;
  readonly isProven: boolean;
  /** The how many-th he was to come, when he came first. */
  readonly since: number;
  readonly start: () => void;
  readonly refuse: (refusal: LoginRefusal) => void;
}

/**
 * Where everything that hashes a password waits for its turn. Clients take turns, and in a full line those with the most places
 * lose them first: who logs in again and again, or guesses, from one address keeps out nobody at another.
 */
export class HashLine {
  readonly #mostWaiting: number;
  /** By client, in the order of their turns; those of one client by seniority. */
  readonly #waiting = new Map<string, Waiter[]>();
  readonly #turnedAway = new TurnedAway();
  #waitingCount = 0;
  #cameCount = 0;
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
      const next = this.#takeNext();
      if (next === undefined) this.#running -= 1;
      else next.start();
    }
  }

  #turn({ client, who, isProven = false, signal }: PlaceInLine): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const leave = (): void => {
      this.#remove(waiter);
      reject(new LoginRefusal('gone'));
    };
    const waiter: Waiter = {
      ...{ client, who, isProven, since: this.#seniorityOf(who) },
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

  #seniorityOf(who: string): number {
    this.#cameCount += 1;
    return this.#turnedAway.take(who) ?? this.#cameCount;
  }

  /** The client that had its turn goes behind all others, so each of them has one before its next. */
  #takeNext(): Waiter | undefined {
    const [ofFirst] = this.#waiting.values();
    const next = ofFirst?.[0];
    if (next === undefined) return undefined;
    this.#remove(next);
    const left = this.#waiting.get(next.client);
    if (left === undefined) return next;
    this.#waiting.delete(next.client);
    this.#waiting.set(next.client, left);
    return next;
  }

  #enter(waiter: Waiter): void {
    const ofClient = this.#waiting.get(waiter.client) ?? [];
    this.#waiting.set(waiter.client, ofClient);
    ofClient.splice(ofClient.findLastIndex(({ since }) => since < waiter.since) + 1, 0, waiter);
    this.#waitingCount += 1;
    if (this.#waitingCount > this.#mostWaiting) this.#refuseLeastDue();
  }

  #remove(waiter: Waiter): void {
    const ofClient = this.#waiting.get(waiter.client) ?? [];
    ofClient.splice(ofClient.indexOf(waiter), 1);
    if (ofClient.length === 0) this.#waiting.delete(waiter.client);
    this.#waitingCount -= 1;
  }

  #refuseLeastDue(): void {
    const [ofClient] = [...this.#waiting.values()].sort(byClaim);
    const refused = ofClient?.at(-1);
    if (refused === undefined) return;
    this.#remove(refused);
    this.#turnedAway.keep(refused.who, refused.since);
    refused.refuse(new LoginRefusal('busy', RETRY_AFTER_MS));
  }
}

/** Whose last place has the least claim comes first; of equal ones where nobody has logged in before, then who came last. */
function byClaim(one: readonly Waiter[], other: readonly Waiter[]): number {
  const isProven = (waiters: readonly Waiter[]) => Number(waiters[0]?.isProven ?? false);
  const last = (waiters: readonly Waiter[]) => waiters.at(-1)?.since ?? 0;
  return (
    claimOf(other) - claimOf(one) || isProven(one) - isProven(other) || last(other) - last(one)
  );
}

/** Of the last place; 0 is the best: the only one of who has logged in before; then his second, and the first of any other address; and so on. */
function claimOf(ofClient: readonly Waiter[]): number {
  return ofClient.length - Number(ofClient[0]?.isProven ?? false);
}
