import type { Attempt } from '../../domain/attempt.ts';
import type { Clock } from '../../lib/clock.ts';

export interface StaleOptions {
  readonly clock: Clock;
  /** How late a webhook may be. */
  readonly webhookGraceMs: number;
  /** No attempt is chosen more often. */
  readonly trackingIntervalMs: number;
}

/** It waits for somebody's approval or for another run, or is at work: no webhook is due. */
const MAY_TAKE_LONG = new Set(['waiting', 'pending', 'in_progress']);

/**
 * Chooses the attempts whose runs have to be asked for although webhooks arrive: one of theirs should have come and
 * has not. Keeps what it needs for that in memory: after a start all runs are looked at anyway.
 */
export class StaleRuns {
  readonly #options: StaleOptions;
  /** Moments on the monotonic clock, by attempt id. */
  readonly #chosenAt = new Map<string, number>();
  readonly #betweenSince = new Map<string, number>();

  constructor(options: StaleOptions) {
    this.#options = options;
  }

  /**
   * @param forgeNow now, on the forge's clock
   * @param isSeekingDue a webhook reported a run that one of those without a run may have started
   */
  choose(
    live: readonly Attempt[],
    awaitingNextJob: ReadonlySet<string>,
    forgeNow: number,
    isSeekingDue: boolean,
  ): Attempt[] {
    this.#forget(live, awaitingNextJob);
    const known = live.filter((attempt) => attempt.runId !== null);
    const stale = known.filter(
      (attempt) => this.#isStale(attempt, awaitingNextJob, forgeNow) && this.#isDue(attempt),
    );
    const seeking = live.filter((attempt) => attempt.runId === null);
    // One that is still being sent is no reason to look, but to be weighed: a run may be its.
    const lost = seeking.filter(({ state }) => state !== 'claimed');
    const isSought = lost.length > 0 && (isSeekingDue || lost.some((one) => this.#isDue(one)));
    const chosen = isSought ? [...stale, ...seeking] : stale;
    this.notePolled(chosen);
    return chosen;
  }

  notePolled(attempts: readonly Attempt[]): void {
    const now = this.#options.clock.monotonic();
    for (const { id } of attempts) this.#chosenAt.set(id, now);
  }

  #isStale(attempt: Attempt, awaitingNextJob: ReadonlySet<string>, forgeNow: number): boolean {
    const { clock, webhookGraceMs } = this.#options;
    if (attempt.runObservedAt === null) return clock.now() - attempt.claimedAt > webhookGraceMs;
    if (awaitingNextJob.has(attempt.id)) return this.#isLongBetween(attempt.id);
    if (MAY_TAKE_LONG.has(attempt.runStatus ?? '')) return false;
    return forgeNow - attempt.runObservedAt > webhookGraceMs;
  }

  #isLongBetween(id: string): boolean {
    const { clock, webhookGraceMs } = this.#options;
    const now = clock.monotonic();
    const since = this.#betweenSince.get(id) ?? now;
    this.#betweenSince.set(id, since);
    return now - since >= webhookGraceMs;
  }

  #isDue({ id }: Attempt): boolean {
    const { clock, trackingIntervalMs } = this.#options;
    return clock.monotonic() - (this.#chosenAt.get(id) ?? -Infinity) >= trackingIntervalMs;
  }

  #forget(live: readonly Attempt[], awaitingNextJob: ReadonlySet<string>): void {
    const ids = new Set(live.map(({ id }) => id));
    for (const id of this.#chosenAt.keys()) if (!ids.has(id)) this.#chosenAt.delete(id);
    for (const id of this.#betweenSince.keys()) {
      if (!awaitingNextJob.has(id)) this.#betweenSince.delete(id);
    }
  }
}
