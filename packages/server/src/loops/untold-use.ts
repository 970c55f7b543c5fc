import type { Clock } from '../lib/clock.ts';
import type { SeenUse } from '../store/port/runners.ts';
import type { Store } from '../store/port/store.ts';
import type { WebhookFlow } from './webhook-flow.ts';

export interface UntoldUseOptions {
  readonly store: Pick<Store, 'runners'>;
  readonly clock: Clock;
  readonly flow: WebhookFlow;
}

/**
 * Notices webhooks that never come although others do, such as those of a repository that none is set up for. A
 * pass that finds a runner taken or freed may just have been faster than its webhook: what came by the end of the
 * grace decides. That asks only the store. Kept in memory: what is lost with it shows again at the next change.
 */
export class UntoldUse {
  readonly #options: UntoldUseOptions;
  /** Moments on the monotonic clock. */
  #waiting: { readonly use: SeenUse; readonly seenAt: number }[] = [];

  constructor(options: UntoldUseOptions) {
    this.#options = options;
  }

  add(use: SeenUse): void {
    const { flow, clock } = this.#options;
    if (flow.isOpen) this.#waiting.push({ use, seenAt: clock.monotonic() });
  }

  async settle(): Promise<void> {
    const { store, clock, flow } = this.#options;
    const now = clock.monotonic();
    const isDue = ({ seenAt }: { readonly seenAt: number }): boolean =>
      now - seenAt >= flow.webhookGraceMs;
    const due = this.#waiting.filter(isDue);
    this.#waiting = this.#waiting.filter((one) => !isDue(one));
    for (const { use, seenAt } of due) {
      const isTold = await store.runners.isUseExplained(use, flow.webhookGraceMs);
      if (!isTold) await flow.noteFound(now - seenAt);
    }
  }
}
