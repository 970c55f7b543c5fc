/** The inbox of webhooks. */
import type { Run } from '../../domain/attempt.ts';
import type { WebhookObservation } from '../../domain/webhook.ts';
import type { Fence } from './leases.ts';

export interface NewDelivery {
  readonly forgeId: string;
  /** The forge's: the same when it sends it again. */
  readonly id: string;
  readonly event: string;
  readonly observation: Exclude<WebhookObservation, { kind: 'ping' }>;
}

export interface OpenDelivery {
  readonly forgeId: string;
  readonly id: string;
  readonly event: string;
  readonly runId: string;
  /** That of the `NewDelivery`, as JSON. */
  readonly observation: string;
  /** How often it could not be applied. */
  readonly tries: number;
}

export interface StoredFlow {
  /** When the last delivery came. */
  readonly receivedAt: number | null;
  /** When something was found that a webhook should have reported: the first time of the last spell, and the last. */
  readonly missedSince: number | null;
  readonly missedAt: number | null;
}

export interface DeliveredSince {
  readonly owner: string;
  readonly repo: string;
  /** On our clock. */
  readonly receivedSince: number;
  /** Only so many of the latest deliveries, whatever they report, are looked at; default: all. */
  readonly mostDeliveries?: number;
}

export interface WebhookStore {
  /**
   * Whether it can matter to us what happens in this repository: jobs go there or to its owner, or its jobs may take
   * runners that we list. An attempt is written before it is sent, so its repository is known before it has a run.
   * That it did matter is remembered for a minute.
   */
  servesRepo(forgeId: string, owner: string, repo: string): Promise<boolean>;
  /** False: this delivery is known already, and nothing was added. */
  add(delivery: NewDelivery): Promise<boolean>;
  /** Not applied yet, oldest first; and those told of runs that an attempt has got since. */
  listOpen(forgeId: string, limit: number): Promise<OpenDelivery[]>;
  /**
   * Applies them in one transaction, all or none. Each moves what is known of its run, workflow job and runner
   * forward, or changes nothing; runs of nobody are kept for the attempt that may turn out to have them.
   *
   * @param lateRunMs an attempt that was given up may have them, if it was claimed no longer ago
   */
  take(fence: Fence, deliveries: readonly OpenDelivery[], lateRunMs: number): Promise<void>;
  /** True: that was the last try, and it is given up. */
  recordFailure(
    fence: Fence,
    delivery: OpenDelivery,
    failure: { readonly message: string; readonly mostTries: number },
  ): Promise<boolean>;
  /**
   * What a listing of this repository's `workflow_dispatch` runs might show, as deliveries received since have told it,
   * applied or not, each run as far as it was told to have come; also those that an attempt has. Reads all deliveries of that time: to be asked rarely.
   */
  listDeliveredRuns(forgeId: string, since: DeliveredSince): Promise<Run[]>;
  findFlow(forgeId: string): Promise<StoredFlow>;
  /**
   * Something was found that a webhook should have reported. After `spellMs` without another a new spell begins, if a
   * delivery has come since.
   */
  recordMiss(forgeId: string, spellMs: number): Promise<void>;
}
