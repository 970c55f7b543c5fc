import type { Clock } from '../../lib/clock.ts';
import type { ObservedUse } from '../../store/port/runners.ts';
import type { Store } from '../../store/port/store.ts';
import type { WebhookFlow } from '../webhooks/webhook-flow.ts';

export interface UnexplainedUseOptions {
  readonly store: Pick<Store, 'runners'>;
  readonly clock: Clock;
  readonly flow: WebhookFlow;
}

/** Beyond these one more adds nothing: that a webhook is missed is the same of one as of all. */
const MOST_ENDS = 1_000;

/**
 * Notices webhooks that never come although others do, such as those of a repository that none is set up for. A
 * listing that finds a runner taken or freed may just have been faster than its webhook: what came by the end of the
 * grace decides. The end of a run whose runner is still shown busy with it then says the same: else that runner would
 * stay so until the next listing, which is far off. That asks only the store. Kept in memory: what is lost with it shows again
 * at the next change.
 */
export class UnexplainedUse {
  readonly #options: UnexplainedUseOptions;
  /** Moments on the monotonic clock. */
  #waiting: { readonly use: ObservedUse; readonly seenAt: number }[] = [];
  #ended: { readonly attemptId: string; readonly seenAt: number }[] = [];

  constructor(options: UnexplainedUseOptions) {
    this.#options = options;
  }

  add(use: ObservedUse): void {
    const { flow, clock } = this.#options;
    if (flow.isOpen) this.#waiting.push({ use, seenAt: clock.monotonic() });
  }

  /** The run of this attempt has ended. */
  addEnd(attemptId: string): void {
    const { flow, clock } = this.#options;
    if (!flow.isOpen || this.#ended.length >= MOST_ENDS) return;
    this.#ended.push({ attemptId, seenAt: clock.monotonic() });
  }

  async settle(): Promise<void> {
    const { store, clock, flow } = this.#options;
    const now = clock.monotonic();
    const isDue = ({ seenAt }: { readonly seenAt: number }): boolean =>
      now - seenAt >= flow.webhookGraceMs;
    const due = this.#waiting.filter(isDue);
    this.#waiting = this.#waiting.filter((one) => !isDue(one));
    for (const { use, seenAt } of due) {
      const isExplained = await store.runners.isUseExplained(use, flow.webhookGraceMs);
      if (!isExplained) await flow.noteFound(now - seenAt);
    }
    const ended = this.#ended.filter(isDue);
    this.#ended = this.#ended.filter((one) => !isDue(one));
    const ids = ended.map(({ attemptId }) => attemptId);
    if (ids.length > 0 && (await store.runners.areBusyWithEnded(ids))) {
      await flow.noteFound(flow.webhookGraceMs);
    }
  }
}
