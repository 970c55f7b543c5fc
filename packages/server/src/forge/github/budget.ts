import type { Clock } from '../../lib/clock.ts';
import type { Budget, RateState } from '../forge.ts';
import {
  type LimitFacts,
  LONGEST_WAIT_MS,
  readLimitFacts,
  type WireAnswer,
} from './limit-facts.ts';
import {
  type LimitedRequest,
  SECONDARY_WAIT_MS,
  SecondaryLimit,
  SHORTEST_WAIT_MS,
} from './secondary-limit.ts';

/** Who asks, first to last: when requests get scarce, only `poll` and then `track` thin out. */
export type Share = 'dispatch' | 'cancel' | 'lookup' | 'track' | 'poll';

/** A quarter of a token's hourly limit left: from here on polling spreads what is left over the time to the reset. */
const LOW_SHARE_OF_LIMIT = 0.25;
/** A clock that is kept right is corrected by less. */
const STEP_MS = 5_000;
/** So much of a limit may be reserved. */
const MOST_RESERVED = 0.8;
/** So much of the spread may be used at once: all scopes are polled in one tick, and none is to starve. */
const SPREAD_BURST_MS = 60_000;
/** Resets of one window, seen through a changing clock offset, are this close; the next window is an hour away. */
const SAME_WINDOW_MS = 30_000;

/** Nothing can be told of it. */
const UNKNOWN_REQUEST: LimitedRequest = { target: '', isMutation: false };

export interface LimitVerdict {
  /** Our clock, epoch milliseconds. */
  readonly retryAt: number;
}

/** What one budget shares with the store: a `Budget` without the part that is the credential's own. */
export type SharedBudget = Pick<
  Budget,
  'limit' | 'remaining' | 'resetAt' | 'blockedUntil' | 'rateFactor' | 'secondaryHits'
>;

/**
 * What one user of the forge may still ask for: all credentials of that user count against it. No I/O; moments
 * are epoch milliseconds of our clock. What nobody reported is `null` and limits nothing, never 0.
 */
export class RequestBudget {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly #pollReserve: number;
  /** The clock when it was read last. */
  #read: { readonly now: number; readonly monotonic: number };
  #limit: number | null = null;
  #remaining: number | null = null;
  #resetAt: number | null = null;
  #blockedUntil: number | null = null;
  readonly #secondary = new SecondaryLimit();
  /** Where a share stands on its even spread; behind `now`: it may go ahead. */
  readonly #spreadAt = new Map<Share, number>();

  /** @param pollReserve requests that polling may not touch; half of them tracking may not touch either */
  constructor(clock: Pick<Clock, 'now' | 'monotonic'>, pollReserve: number) {
    this.#clock = clock;
    this.#pollReserve = pollReserve;
    this.#read = { now: clock.now(), monotonic: clock.monotonic() };
  }

  /**
   * Asked before each piece of work, which may be several requests.
   *
   * @returns `null`: go on; else when to ask again
   */
  admit(share: Share): number | null {
    const retryAt = this.retryAt(share);
    if (retryAt !== null) return retryAt;
    const now = this.#now();
    const spreadAt = notFar(this.#spreadAt.get(share) ?? null, now) ?? now;
    if (spreadAt <= now || this.#gapMs(share, now) === null) return null;
    return Math.min(spreadAt, this.#resetAsOf(now) ?? spreadAt);
  }

  /** Asked before each request: `null`, or when this share may ask again. */
  retryAt(share: Share): number | null {
    const now = this.#now();
    const blockedUntil = this.#blockAt(now);
    if (blockedUntil !== null) return blockedUntil;
    const remaining = this.#remainingAt(now);
    if (remaining === null || remaining > this.#floorOf(share)) return null;
    // Scarce, but nobody said until when: the next answer will tell.
    const resetAt = this.#resetAsOf(now);
    return resetAt !== null && resetAt > now ? resetAt : null;
  }

  /** Call for each request that the forge counted; a 304 it does not count. */
  noteSpent(share: Share): void {
    const now = this.#now();
    const gapMs = this.#gapMs(share, now);
    if (gapMs === null) {
      this.#spreadAt.delete(share);
      return;
    }
    const from = Math.max(
      notFar(this.#spreadAt.get(share) ?? null, now) ?? 0,
      now - SPREAD_BURST_MS,
    );
    this.#spreadAt.set(share, from + gapMs);
  }

  /**
   * Learns from an answer of the forge.
   *
   * @param offsetMs forge clock minus ours, for moments that the forge states
   * @returns when to ask again, if the answer is a limit
   */
  learn(
    answer: WireAnswer,
    offsetMs: number,
    request: LimitedRequest = UNKNOWN_REQUEST,
  ): LimitVerdict | undefined {
    const now = this.#now();
    const facts = readLimitFacts(answer, now, offsetMs);
    this.#learnWindow(facts, now);
    if (facts.limited === undefined) {
      if (answer.status < 400) this.#secondary.pass(request, answer.sentAt, now);
      return undefined;
    }
    if (facts.limited === 'primary') {
      const statedAt = facts.retryAt ?? facts.resetAt ?? now + SECONDARY_WAIT_MS;
      const retryAt = Math.max(statedAt, now + SHORTEST_WAIT_MS);
      if (facts.isCore) this.#block(retryAt);
      return { retryAt };
    }
    return { retryAt: this.#learnSecondary(request, facts.retryAt, answer.sentAt, now) };
  }

  /** The share of the configured dispatch rate that is in force. */
  get rateFactor(): number {
    return this.#secondary.rateFactor(this.#now());
  }

  get blockedUntil(): number | null {
    return this.#blockedUntil;
  }

  rate(): RateState {
    const now = this.#now();
    return {
      limit: this.#limit,
      remaining: this.#remainingAt(now),
      resetAt: this.#resetAsOf(now),
      blockedUntil: this.retryAt('dispatch'),
    };
  }

  state(): SharedBudget {
    this.#now();
    return {
      limit: this.#limit,
      remaining: this.#remaining,
      resetAt: this.#resetAt,
      blockedUntil: this.#blockedUntil,
      rateFactor: this.rateFactor,
      secondaryHits: this.#secondary.state.hits,
    };
  }

  /** Takes over what another process, or this one in an earlier life, has learnt: always the more careful of the two. */
  adopt(other: SharedBudget): void {
    const now = this.#now();
    if (other.blockedUntil !== null) this.#block(other.blockedUntil);
    const { secondaryHits: hits, rateFactor, blockedUntil } = other;
    const growsFrom = Math.max(now, this.#blockAt(now) ?? 0);
    this.#secondary.adopt({ hits, rateFactor }, blockedUntil, growsFrom, now);
    const resetAt = notFar(other.resetAt, now);
    if (resetAt === null) return;
    this.#learnWindow({ ...other, resetAt, isCore: true }, now);
  }

  /** All moments move with our clock: a limit of a minute that was met while it was an hour ahead is still one of a minute. */
  #now(): number {
    const read = { now: this.#clock.now(), monotonic: this.#clock.monotonic() };
    const steppedMs = read.now - this.#read.now - (read.monotonic - this.#read.monotonic);
    // A machine that slept looks the same: it waits for the rest of a limit, which is the lesser harm.
    if (Math.abs(steppedMs) > STEP_MS) this.#shift(steppedMs);
    if (Math.abs(steppedMs) > STEP_MS || read.monotonic - this.#read.monotonic > STEP_MS)
      this.#read = read;
    return read.now;
  }

  #shift(ms: number): void {
    if (this.#blockedUntil !== null) this.#blockedUntil += ms;
    if (this.#resetAt !== null) this.#resetAt += ms;
    for (const [share, at] of this.#spreadAt) this.#spreadAt.set(share, at + ms);
    this.#secondary.shift(ms);
  }

  #floorOf(share: Share): number {
    switch (share) {
      case 'dispatch':
      case 'cancel':
      case 'lookup':
        return 0;
      case 'track':
        return Math.floor(this.#reserve() / 2);
      case 'poll':
        return this.#reserve();
    }
  }

  /** Of a limit below it, as gateways have of their own, most of that: else nothing would ever be listed. */
  #reserve(): number {
    return Math.min(this.#pollReserve, Math.floor((this.#limit ?? Infinity) * MOST_RESERVED));
  }

  /** Below this, a share spreads what it may still use evenly over the time to the reset. */
  #lowLineOf(share: Share): number {
    switch (share) {
      case 'dispatch':
      case 'cancel':
      case 'lookup':
        return 0;
      case 'track':
        return this.#reserve();
      case 'poll':
        return this.#reserve() + (this.#limit ?? 0) * LOW_SHARE_OF_LIMIT;
    }
  }

  /** The time between two requests at which this share lasts until the reset; `null`: there is plenty. */
  #gapMs(share: Share, now: number): number | null {
    const remaining = this.#remainingAt(now);
    const resetAt = this.#resetAsOf(now);
    if (remaining === null || resetAt === null || now >= resetAt) return null;
    if (remaining >= this.#lowLineOf(share)) return null;
    return (resetAt - now) / Math.max(1, remaining - this.#floorOf(share));
  }

  /** After the reset the number from before it says nothing: all is there again, whatever nobody refreshed. */
  #remainingAt(now: number): number | null {
    if (this.#resetAt !== null && now >= this.#resetAt) return this.#limit;
    return this.#remaining;
  }

  #resetAsOf(now: number): number | null {
    return notFar(this.#resetAt, now);
  }

  #learnWindow(
    facts: Pick<LimitFacts, 'limit' | 'remaining' | 'resetAt' | 'isCore'>,
    now: number,
  ): void {
    // Of a number that nobody dated nobody can tell when it is over: a gateway's own `0` would stop all dispatches for good.
    if (!facts.isCore || facts.remaining === null || facts.resetAt === null) return;
    this.#limit = facts.limit ?? this.#limit;
    const resetAt = this.#resetAsOf(now);
    const isLater = resetAt === null || facts.resetAt > resetAt + SAME_WINDOW_MS;
    const isEarlier = resetAt !== null && facts.resetAt < resetAt - SAME_WINDOW_MS;
    // An answer of the window before, overtaken by one of this window.
    if (isEarlier && now < resetAt) return;
    if (isLater || isEarlier) {
      this.#remaining = facts.remaining;
      this.#resetAt = facts.resetAt;
      return;
    }
    // Answers overtake each other: inside a window the number only falls.
    this.#remaining = Math.min(this.#remaining ?? facts.remaining, facts.remaining);
    this.#resetAt = facts.resetAt;
  }

  #learnSecondary(
    request: LimitedRequest,
    statedAt: number | null,
    sentAt: number,
    now: number,
  ): number {
    if (this.#secondary.isSameHit(sentAt, now)) {
      const retryAt = Math.max(statedAt ?? 0, this.#blockAt(now) ?? 0);
      this.#block(retryAt);
      return retryAt;
    }
    const { stopUntil, retryAt } = this.#secondary.hit(request, statedAt, now);
    this.#block(stopUntil);
    return retryAt;
  }

  #blockAt(now: number): number | null {
    const until = notFar(this.#blockedUntil, now);
    return until !== null && until > now ? until : null;
  }

  #block(until: number): void {
    const now = this.#now();
    if (notFar(until, now) === null) return;
    this.#blockedUntil = Math.max(this.#blockAt(now) ?? 0, until);
  }
}

/** What lies too far ahead was written before our clock was put back: nobody stated it. */
function notFar(moment: number | null, now: number): number | null {
  return moment !== null && moment <= now + LONGEST_WAIT_MS ? moment : null;
}
