import { LONGEST_WAIT_MS } from './limit-facts.ts';

/** What a secondary limit without `retry-after` costs the first time; doubles each time in a row (GitHub's advice). */
export const SECONDARY_WAIT_MS = 60_000;
/** Longer waits help nobody: GitHub's own windows are an hour at most, and then it says so. */
const LONGEST_SECONDARY_WAIT_MS = 15 * 60_000;
/** A reset just passed by our clock, not yet by the forge's: not at once again. */
export const SHORTEST_WAIT_MS = 1_000;
const LOWEST_RATE_FACTOR = 1 / 16;
/** How slowly a halved dispatch rate grows back: from a half to all of it in five minutes. */
const GROWTH_STEP = 0.1;
const GROWTH_EVERY_MS = 60_000;

/** What was asked of the forge, as far as it tells limits apart. */
export interface LimitedRequest {
  /** Of one object and what is done with it: met again, its limit may be its own. */
  readonly target: string;
  /** GitHub limits what changes something apart from what reads. */
  readonly isMutation: boolean;
}

/** The part that outlives the process. */
export interface SecondaryState {
  readonly hits: number;
  readonly rateFactor: number;
}

/** @property stopUntil when the credential may go on; `retryAt`: when what met the limit may be asked for again */
export interface SecondaryVerdict {
  readonly stopUntil: number;
  readonly retryAt: number;
}

/**
 * The secondary limits that one user of the forge meets, and the dispatch rate, which each halves. The forge does not say whether one is
 * the user's or that of one workflow or list. One that is met again while others went through stops the credential for a minute only,
 * whatever it says: else a few such targets, in turns, stop everything. In a row are those between which nothing of their kind went through.
 */
export class SecondaryLimit {
  #hits = 0;
  #rateFactor = 1;
  #grewAt = 0;
  #lastHitAt = Number.NEGATIVE_INFINITY;
  #isLastMutation = false;
  /** Targets of the last hit's kind that went through since; two say as much as more. */
  #passed = new Set<string>();
  /** Targets that met one, and when. */
  readonly #metAt = new Map<string, number>();
  /** When hits last ceased to count as "in a row", and when the rate was last whole. */
  #settledAt = Number.NEGATIVE_INFINITY;
  #wholeAt = Number.NEGATIVE_INFINITY;

  get state(): SecondaryState {
    return { hits: this.#hits, rateFactor: this.#rateFactor };
  }

  /** The share of the configured dispatch rate that is in force. */
  rateFactor(now: number): number {
    this.#grow(now);
    return this.#rateFactor;
  }

  /** An answer that is no limit, to a request sent after the last stop. */
  pass({ target, isMutation }: LimitedRequest, sentAt: number, now: number): void {
    const isAfter = sentAt > this.#lastHitAt || this.#lastHitAt > now;
    if (!isAfter || isMutation !== this.#isLastMutation) return;
    if (this.#passed.size < 2) this.#passed.add(target);
    if (this.#hits === 0) return;
    this.#hits = 0;
    this.#settledAt = now;
  }

  /** Ten requests in flight meet one limit ten times: that is one hit. One in our future is of before our clock was put back. */
  isSameHit(sentAt: number, now: number): boolean {
    return sentAt < this.#lastHitAt && this.#lastHitAt <= now;
  }

  /** @param statedAt what the forge says, if it does; our clock */
  hit(request: LimitedRequest, statedAt: number | null, now: number): SecondaryVerdict {
    this.#grow(now);
    const isOwn = this.#isOwn(request.target, now);
    this.#note(request, now);
    if (isOwn) {
      const stopUntil = Math.min(statedAt ?? Infinity, now + SECONDARY_WAIT_MS);
      const notAtOnce = Math.max(stopUntil, now + SHORTEST_WAIT_MS);
      return { stopUntil: notAtOnce, retryAt: Math.max(statedAt ?? 0, notAtOnce) };
    }
    this.#hits += 1;
    this.#rateFactor = Math.max(LOWEST_RATE_FACTOR, this.#rateFactor / 2);
    const until =
      statedAt === null
        ? now + Math.min(doubled(SECONDARY_WAIT_MS, this.#hits), LONGEST_SECONDARY_WAIT_MS)
        : Math.max(statedAt, now + this.#shortestWaitMs());
    this.#grewAt = until;
    return { stopUntil: until, retryAt: until };
  }

  /**
   * What another process, or this one in an earlier life, has learnt: always the more careful of the two.
   *
   * @param blockedUntil when that was, as far as is known
   * @param grewAt from when on the rate grows
   */
  adopt(other: SecondaryState, blockedUntil: number | null, grewAt: number, now: number): void {
    this.#grow(now);
    const at = blockedUntil ?? Infinity;
    // What was before something has changed in it is over.
    if (at > this.#settledAt) this.#hits = Math.max(this.#hits, other.hits);
    if (at <= this.#wholeAt || other.rateFactor >= this.#rateFactor) return;
    this.#rateFactor = other.rateFactor;
    this.#grewAt = grewAt;
  }

  /** Our clock was stepped. */
  shift(ms: number): void {
    this.#grewAt += ms;
    this.#lastHitAt += ms;
    this.#settledAt += ms;
    this.#wholeAt += ms;
    for (const [target, at] of this.#metAt) this.#metAt.set(target, at + ms);
  }

  /** It met one before, and since the last that anything met another has gone through. */
  #isOwn(target: string, now: number): boolean {
    const metAt = this.#metAt.get(target);
    if (metAt === undefined || now - metAt > LONGEST_WAIT_MS) return false;
    return [...this.#passed].some((other) => other !== target);
  }

  #note({ target, isMutation }: LimitedRequest, now: number): void {
    for (const [one, at] of this.#metAt)
      if (now - at > LONGEST_WAIT_MS || at > now) this.#metAt.delete(one);
    this.#metAt.set(target, now);
    this.#lastHitAt = now;
    this.#isLastMutation = isMutation;
    this.#passed = new Set();
  }

  /** A server that says "at once" and refuses again would be asked a hundred times a second: longer with each hit in a row. */
  #shortestWaitMs(): number {
    return Math.min(doubled(SHORTEST_WAIT_MS, this.#hits), SECONDARY_WAIT_MS);
  }

  #grow(now: number): void {
    if (this.#rateFactor === 1 && this.#hits === 0) return;
    if (this.#grewAt > now + LONGEST_WAIT_MS) this.#grewAt = now;
    const steps = Math.floor((now - this.#grewAt) / GROWTH_EVERY_MS);
    if (steps <= 0) return;
    this.#grewAt += steps * GROWTH_EVERY_MS;
    this.#rateFactor = Math.min(1, this.#rateFactor + steps * GROWTH_STEP);
    if (this.#rateFactor < 1) return;
    this.#hits = 0;
    this.#settledAt = now;
    this.#wholeAt = now;
  }
}

function doubled(firstMs: number, times: number): number {
  return firstMs * 2 ** Math.min(10, times - 1);
}
