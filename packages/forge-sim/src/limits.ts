import type { SimClock } from './clock.ts';
import type { EndpointName } from './endpoint-names.ts';
import type { SecondaryLimits } from './profiles.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** A user's or personal token's primary limit an hour on github.com. */
const DEFAULT_LIMIT = 5_000;

export interface RateState {
  limit: number;
  remaining: number;
  used: number;
  /** Epoch seconds. */
  reset: number;
}

interface Budget {
  limit: number;
  used: number;
  resetAt: number;
}

/** What `setPrimary` changes; the rest stays. `resetAt` in epoch milliseconds. */
export interface PrimaryState {
  limit?: number;
  remaining?: number;
  resetAt?: number;
}

/** How a primary limit stands, for whoever looks on from outside. Epoch milliseconds. */
export interface LimitView {
  login: string;
  limit: number;
  remaining: number;
  resetAt: number;
}

interface SpentPoints {
  at: number;
  endpoint: EndpointName;
  points: number;
  isContent: boolean;
}

export interface LimitedCall {
  login: string;
  endpoint: EndpointName;
  method: string;
  isContent: boolean;
}

/** Primary and secondary limits, both per login: all tokens of a user share them. */
export class Limits {
  readonly #clock: SimClock;
  readonly #budgets = new Map<string, Budget>();
  readonly #spent = new Map<string, SpentPoints[]>();
  readonly #inFlight = new Map<string, number>();
  readonly #unlimited = new Set<string>();
  /** Ends of windows that somebody named, by login. */
  readonly #namedEnds = new Map<string, number>();
  readonly #hasPrimary: boolean;
  #secondary: SecondaryLimits | null;

  /** `hasPrimary` false: as on GHES, there is none until `setPrimary` makes one. */
  constructor(clock: SimClock, secondary: SecondaryLimits | null, hasPrimary: boolean) {
    this.#clock = clock;
    this.#secondary = secondary;
    this.#hasPrimary = hasPrimary;
  }

  /**
   * `null`: none, until one is set again.
   *
   * @throws Error when the window that was named last is over and no new end is named: what is left would be left of
   *   a fresh hour, and whoever waits for the end of the named window would wait for that hour
   */
  setPrimary(login: string, state: PrimaryState | null): void {
    if (state === null) {
      this.#budgets.delete(login);
      this.#namedEnds.delete(login);
      this.#unlimited.add(login);
      return;
    }
    this.#noteEnd(login, state.resetAt);
    this.#unlimited.delete(login);
    const budget = this.#budget(login);
    const limit = state.limit ?? budget.limit;
    const remaining = state.remaining ?? Math.max(0, limit - budget.used);
    const resetAt = state.resetAt ?? budget.resetAt;
    this.#budgets.set(login, { limit, used: limit - remaining, resetAt });
  }

  /** What it has used up goes with it. Requests in flight are given back under the login that they came with. */
  rename(from: string, to: string): void {
    for (const byLogin of [this.#budgets, this.#spent, this.#namedEnds]) move(byLogin, from, to);
    if (this.#unlimited.delete(from)) this.#unlimited.add(to);
  }

  /** Looks only: a window that is over is shown as it was. */
  listPrimary(): LimitView[] {
    return [...this.#budgets].map(([login, { limit, used, resetAt }]) => ({
      login,
      limit,
      remaining: Math.max(0, limit - used),
      resetAt,
    }));
  }

  setSecondary(limits: SecondaryLimits | null): void {
    this.#secondary = limits;
  }

  get secondary(): SecondaryLimits | null {
    return this.#secondary;
  }

  /** `undefined`: this login has no primary limit. */
  findRate(login: string): RateState | undefined {
    const hasOne = this.#hasPrimary && !this.#unlimited.has(login);
    if (!hasOne && !this.#budgets.has(login)) return undefined;
    const { limit, used, resetAt } = this.#budget(login);
    const remaining = Math.max(0, limit - used);
    return { limit, used, remaining, reset: Math.ceil(resetAt / 1000) };
  }

  /** Takes one request from the budget; false: there is none left. */
  tryCharge(login: string): boolean {
    const rate = this.findRate(login);
    if (rate === undefined) return true;
    if (rate.remaining === 0) return false;
    this.#budget(login).used += 1;
    return true;
  }

  /** A 304 is free. */
  refund(login: string): void {
    const budget = this.#budgets.get(login);
    if (budget !== undefined) budget.used = Math.max(0, budget.used - 1);
  }

  enter(login: string): void {
    this.#inFlight.set(login, (this.#inFlight.get(login) ?? 0) + 1);
  }

  leave(login: string): void {
    this.#inFlight.set(login, Math.max(0, (this.#inFlight.get(login) ?? 0) - 1));
  }

  /** Counts the call; seconds to wait if it goes over a secondary limit, else `undefined`. */
  findSecondaryWaitS(call: LimitedCall): number | undefined {
    const limits = this.#secondary;
    if (limits === null) return undefined;
    const now = this.#clock.now();
    const past = (this.#spent.get(call.login) ?? []).filter(({ at }) => at > now - HOUR_MS);
    const points = call.method === 'GET' ? 1 : 5;
    const { endpoint, isContent } = call;
    past.push({ at: now, endpoint, points, isContent });
    this.#spent.set(call.login, past);
    if ((this.#inFlight.get(call.login) ?? 0) > limits.concurrent) return 60;
    const waitMs = Math.max(
      overrunMs(
        past.filter((spent) => spent.endpoint === endpoint),
        limits.perMinutePoints,
        now,
      ),
      overrunMs(contentOf(past, isContent), limits.contentPerMinute, now),
      overrunMs(contentOf(past, isContent), limits.contentPerHour, now, HOUR_MS),
    );
    return waitMs > 0 ? Math.ceil(waitMs / 1000) : undefined;
  }

  #noteEnd(login: string, resetAt: number | undefined): void {
    if (resetAt !== undefined) {
      this.#namedEnds.set(login, resetAt);
      return;
    }
    const endedAt = this.#namedEnds.get(login) ?? Infinity;
    if (endedAt > this.#clock.now()) return;
    const when = new Date(endedAt).toISOString();
    throw new Error(`the window of ${login}'s rate limit ended at ${when}: name a new resetAt`);
  }

  #budget(login: string): Budget {
    const now = this.#clock.now();
    const known = this.#budgets.get(login);
    if (known !== undefined && known.resetAt > now) return known;
    const limit = known?.limit ?? DEFAULT_LIMIT;
    const fresh = { limit, used: 0, resetAt: now + HOUR_MS };
    this.#budgets.set(login, fresh);
    return fresh;
  }
}

function move(byLogin: Map<string, unknown>, from: string, to: string): void {
  const value = byLogin.get(from);
  if (!byLogin.delete(from)) return;
  byLogin.set(to, value);
}

/** Content calls count one each, whatever their points. */
function contentOf(past: readonly SpentPoints[], isContent: boolean): SpentPoints[] {
  return isContent ? past.filter((spent) => spent.isContent).map((s) => ({ ...s, points: 1 })) : [];
}

/** 0: within the limit; else how long until enough of the window has passed. */
function overrunMs(
  spent: readonly SpentPoints[],
  limit: number,
  now: number,
  windowMs = MINUTE_MS,
): number {
  const recent = spent.filter(({ at }) => at > now - windowMs);
  let total = recent.reduce((sum, { points }) => sum + points, 0);
  if (total <= limit) return 0;
  for (const { at, points } of recent) {
    total -= points;
    if (total <= limit) return at + windowMs - now;
  }
  return windowMs;
}
