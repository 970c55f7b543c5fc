import type { Event } from '../../domain/event.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Reaction } from '../leased-loop.ts';
import type { WebhookFlow } from '../webhooks/webhook-flow.ts';

export interface TrackPaceOptions {
  readonly flow: WebhookFlow;
  readonly clock: Clock;
  readonly trackingIntervalMs: number;
  /** Listings for late runs go back up to a day: not every tick pays for them. */
  readonly recheckAfterMs: number;
}

/** What one tick of the tracker looks at. */
export interface TrackTick {
  /** All live attempts; else only those whose webhooks are overdue. */
  readonly isAll: boolean;
  /** A webhook reported a run that a live attempt without one may have started. */
  readonly isRunDelivered: boolean;
  /** Ids of attempts whose runs were started again, so that they are over. */
  readonly restarted: ReadonlySet<string>;
  /** A webhook reported a run that an attempt which was given up may have started. */
  readonly isWatchedDelivered: boolean;
  /** Attempts that were given up, too, as far as it is their turn. */
  readonly isWatchedDue: boolean;
}

/** Something reported: taken at once, then at most once an interval, so that many reports do not cost a request each. */
class DeliverySignal {
  #isRaised = false;
  #takenAt = -Infinity;

  add(): void {
    this.#isRaised = true;
  }

  take(now: number, everyMs: number): boolean {
    if (!this.#isRaised || now - this.#takenAt < everyMs) return false;
    this.#isRaised = false;
    this.#takenAt = now;
    return true;
  }
}

/** Decides when the tracker looks at everything: at its interval and when runners change hands, but not while webhooks report. */
export class TrackPace {
  readonly #options: TrackPaceOptions;
  #allAt = -Infinity;
  #watchedAt = -Infinity;
  #isRunnerMoved = false;
  #restarted = new Set<string>();
  readonly #deliveredForLive = new DeliverySignal();
  readonly #deliveredForWatched = new DeliverySignal();

  constructor(options: TrackPaceOptions) {
    this.#options = options;
  }

  onEvent({ kind, data }: Event): Reaction {
    // A runner that has just become busy has probably taken a run of ours; one just freed has left one. Where a
    // workflow job reported it, its run is known already.
    const isMoved =
      kind === 'runner.changed' && data['isUseChanged'] === true && data['runId'] === null;
    const isDelivered = kind === 'webhook.run-unmatched';
    if (isMoved) this.#isRunnerMoved = true;
    if (isDelivered)
      for (const signal of [this.#deliveredForLive, this.#deliveredForWatched]) signal.add();
    const restarted = kind === 'webhook.run-again' ? data['attemptId'] : undefined;
    if (typeof restarted === 'string') this.#restarted.add(restarted);
    // Looked for soon, see `DoubtPace`.
    const isInDoubt =
      kind === 'attempt.unknown' || (kind === 'attempt.accepted' && data['runId'] === null);
    return isMoved || isDelivered || isInDoubt || restarted !== undefined ? 'wake' : 'ignore';
  }

  async next(): Promise<TrackTick> {
    const now = this.#options.clock.monotonic();
    const { flow, recheckAfterMs } = this.#options;
    const isRunDelivered = this.#deliveredForLive.take(now, flow.webhookGraceMs);
    const isWatchedDelivered = this.#deliveredForWatched.take(now, recheckAfterMs);
    const isRunnerMoved = this.#isRunnerMoved;
    this.#isRunnerMoved = false;
    const restarted = this.#restarted;
    this.#restarted = new Set();
    const isAll = await this.#isAllDue(now, isRunnerMoved);
    if (isAll) this.#allAt = now;
    const isWatchedDue = isWatchedDelivered || (isAll && now - this.#watchedAt >= recheckAfterMs);
    if (isWatchedDue) this.#watchedAt = now;
    return { isAll, isRunDelivered, restarted, isWatchedDelivered, isWatchedDue };
  }

  async #isAllDue(now: number, isRunnerMoved: boolean): Promise<boolean> {
    const { flow, trackingIntervalMs } = this.#options;
    if (!flow.isOpen) return true;
    const intervalMs = await flow.trackingIntervalMs();
    if (isRunnerMoved && !(await flow.isFlowing())) return true;
    return now - this.#allAt >= intervalMs - flow.checkEveryMs(trackingIntervalMs) / 2;
  }
}
