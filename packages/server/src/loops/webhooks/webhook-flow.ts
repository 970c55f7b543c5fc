import { FRESH_INTERVALS } from '../../domain/timing.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Store } from '../../store/port/store.ts';

export interface WebhookFlowOptions {
  readonly forgeId: string;
  readonly store: Pick<Store, 'webhooks'>;
  readonly clock: Clock;
  /** A secret is set: webhooks may come at all. */
  readonly isOpen: boolean;
  readonly pollIntervalMs: number;
  readonly pollIntervalWithWebhooksMs: number;
  readonly trackingIntervalMs: number;
  readonly trackingIntervalWithWebhooksMs: number;
  /** How late a webhook may be before it counts as lost. */
  readonly webhookGraceMs: number;
}

/**
 * Whether webhooks can be relied on, from what the store holds, so that all replicas think the same: the last one
 * is not older than the long poll interval, and for as long no request has found what one should have reported.
 */
export class WebhookFlow {
  readonly #options: WebhookFlowOptions;

  constructor(options: WebhookFlowOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#options.isOpen;
  }

  get webhookGraceMs(): number {
    return this.#options.webhookGraceMs;
  }

  /** A loop looks this often whether to do something, so that it notices soon when webhooks stop. */
  checkEveryMs(intervalMs: number): number {
    const { isOpen, webhookGraceMs } = this.#options;
    return isOpen ? Math.min(intervalMs, webhookGraceMs) : intervalMs;
  }

  async isFlowing(): Promise<boolean> {
    return (await this.#stoppedAt()) === null;
  }

  async pollIntervalMs(): Promise<number> {
    const { pollIntervalMs, pollIntervalWithWebhooksMs } = this.#options;
    return (await this.isFlowing()) ? pollIntervalWithWebhooksMs : pollIntervalMs;
  }

  async trackingIntervalMs(): Promise<number> {
    const { trackingIntervalMs, trackingIntervalWithWebhooksMs } = this.#options;
    return (await this.isFlowing()) ? trackingIntervalWithWebhooksMs : trackingIntervalMs;
  }

  /**
   * How old the last listing over a scope may be for its runners to count as free. When webhooks stop, listings
   * made at the long interval count until there was time for new ones: else all runners would be stale at once.
   */
  async freshForMs(): Promise<number> {
    const { clock, pollIntervalMs, pollIntervalWithWebhooksMs } = this.#options;
    const shortMs = FRESH_INTERVALS * pollIntervalMs;
    const stoppedAt = await this.#stoppedAt();
    const isRecent = stoppedAt === null || clock.now() - stoppedAt < shortMs;
    return isRecent ? FRESH_INTERVALS * pollIntervalWithWebhooksMs : shortMs;
  }

  /**
   * A request has found a change of this age.
   *
   * @param ageMs at most so old: stamps are whole seconds
   */
  async noteFound(ageMs: number): Promise<void> {
    const { isOpen, webhookGraceMs, store, forgeId, pollIntervalWithWebhooksMs } = this.#options;
    if (!isOpen || ageMs < webhookGraceMs) return;
    await store.webhooks.recordMiss(forgeId, pollIntervalWithWebhooksMs);
  }

  /**
   * `null` while they flow; else since when they do not, epoch milliseconds. Silence and misses that overlap are one
   * spell from the start of the first: else each would make long listings count anew.
   */
  async #stoppedAt(): Promise<number | null> {
    const { isOpen, store, forgeId, clock, pollIntervalWithWebhooksMs: forMs } = this.#options;
    if (!isOpen) return -Infinity;
    const { receivedAt, missedSince, missedAt } = await store.webhooks.findFlow(forgeId);
    if (receivedAt === null) return -Infinity;
    const now = clock.now();
    const silentAt = receivedAt + forMs;
    const isSilent = now >= silentAt;
    // Nothing has come since the last miss: its spell goes on into the silence.
    const isMissed =
      missedAt !== null && (isSilent ? receivedAt <= missedAt : now < missedAt + forMs);
    if (isMissed) return Math.min(missedSince ?? missedAt, silentAt);
    return isSilent ? silentAt : null;
  }
}
