import type { Changes } from '../changes.ts';
import type { SimClock } from '../clock.ts';
import type { DeliveryFault, LedgerDelivery } from '../ledger/entries.ts';
import type { PostOutcome } from './hook-sender.ts';

export type DeliveryFacts = Pick<
  LedgerDelivery,
  'hookId' | 'guid' | 'event' | 'action' | 'runId' | 'jobId' | 'at'
>;

/** The ledger's deliveries, written while they are sent. */
export class DeliveryLog {
  readonly entries: LedgerDelivery[] = [];
  readonly #clock: SimClock;
  readonly #changes: Changes;

  constructor(clock: SimClock, changes: Changes) {
    this.#clock = clock;
    this.#changes = changes;
  }

  begin(facts: DeliveryFacts): LedgerDelivery {
    const id = this.entries.length + 1;
    const entry = { id, ...facts, sentAt: null, status: null, durationMs: null };
    this.entries.push(entry);
    this.#changes.announce();
    return entry;
  }

  /** The first fault that met it stays. */
  markFault(entry: LedgerDelivery, fault: DeliveryFault): void {
    entry.fault ??= fault;
    this.#changes.announce();
  }

  /** It was on its way, and will not be sent. */
  markLost(entry: LedgerDelivery): void {
    entry.fault = 'lost';
    this.#changes.announce();
  }

  markSent(entry: LedgerDelivery): void {
    entry.sentAt = this.#clock.now();
    this.#changes.announce();
  }

  markEnded(entry: LedgerDelivery, outcome: PostOutcome): void {
    entry.status = outcome.status;
    entry.durationMs = outcome.durationMs;
    if (outcome.error !== undefined) entry.error = outcome.error;
    this.#changes.announce();
  }
}
