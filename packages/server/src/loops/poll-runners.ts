import type { Event } from '../domain/event.ts';
import type { Forge } from '../forge/forge.ts';
import { ForgeError, type RunnerListing } from '../forge/forge.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Fence } from '../store/port/leases.ts';
import type { RunnerScopeRow } from '../store/port/runners.ts';
import type { Store } from '../store/port/store.ts';
import type { LoopContext, LoopSpec } from './leased-loop.ts';
import { ListMismatches } from './list-mismatches.ts';
import { type OwnerType, wantedScopes } from './runner-scopes.ts';
import { UntoldUse } from './untold-use.ts';
import type { WebhookFlow } from './webhook-flow.ts';

export interface PollRunnersDeps {
  readonly forge: Forge;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pollIntervalMs: number;
  readonly flow: WebhookFlow;
}

/** Lists the runners of every scope that jobs may go to, each at its own interval; a failing scope stops no other. */
export class PollRunners {
  readonly #deps: PollRunnersDeps;
  readonly #untold: UntoldUse;
  readonly #mismatches = new ListMismatches();
  readonly #askedAt = new Map<string, number>();
  /** A run has ended, so a runner is probably free: it should be seen half an interval sooner. */
  #isSoonWanted = false;
  /** There may be something to list that was not listed before. */
  #isMoreWanted = false;
  #cancelSoon: () => void = () => undefined;

  constructor(deps: PollRunnersDeps) {
    this.#deps = deps;
    this.#untold = new UntoldUse(deps);
  }

  get spec(): LoopSpec {
    return {
      name: `poll-runners:${this.#deps.forge.id}`,
      everyMs: this.#deps.flow.checkEveryMs(this.#deps.pollIntervalMs),
      isWokenBy: (event) => {
        const isEnd = event.kind === 'attempt.ended';
        const isMore = givesMoreToList(event);
        if (isEnd) this.#isSoonWanted = true;
        if (isMore) this.#isMoreWanted = true;
        return isEnd || isMore;
      },
      tick: (context) => this.#tick(context),
      drain: () => {
        this.#cancelSoon();
        return Promise.resolve();
      },
    };
  }

  async #tick(context: LoopContext): Promise<void> {
    const scopes = await this.#listWantedScopes(context.signal);
    if (!context.mayGoOn()) return;
    const { forge, store } = this.#deps;
    // Before the pace is asked for, which depends on it.
    await this.#untold.settle();
    await store.runners.setScopes(context.fence, forge.id, scopes);
    await this.#pollDue(context, await store.runners.listScopes(forge.id));
  }

  async #listWantedScopes(signal: AbortSignal): Promise<string[]> {
    const { forge, store } = this.#deps;
    const [groups, used] = await Promise.all([
      store.catalog.listGroups(),
      store.runners.listUsedRepos(forge.id),
    ]);
    const ours = groups.filter((group) => group.forgeId === forge.id);
    return wantedScopes(ours, used, (owner) => this.#ownerType(owner, signal));
  }

  /**
   * Whatever wakes us: no scope is asked again before half its interval is over. While webhooks flow they tell
   * which runners a run has freed.
   */
  async #gapMs(): Promise<number> {
    const { flow, pollIntervalMs } = this.#deps;
    const isMoreWanted = this.#isMoreWanted;
    this.#isMoreWanted = false;
    const intervalMs = await flow.pollIntervalMs();
    if (intervalMs > pollIntervalMs) this.#isSoonWanted = false;
    if (isMoreWanted || this.#isSoonWanted) return pollIntervalMs / 2;
    return intervalMs - flow.checkEveryMs(pollIntervalMs) / 2;
  }

  async #pollDue({ fence, signal, wake }: LoopContext, rows: RunnerScopeRow[]): Promise<void> {
    const { clock } = this.#deps;
    const gapMs = await this.#gapMs();
    const now = clock.monotonic();
    const waitOf = ({ scope }: RunnerScopeRow): number =>
      (this.#askedAt.get(scope) ?? -Infinity) + gapMs - now;
    const early = rows.filter((row) => waitOf(row) > 0);
    this.#cancelSoon();
    if (early.length === 0) this.#isSoonWanted = false;
    if (this.#isSoonWanted) {
      this.#cancelSoon = clock.after(Math.min(...early.map(waitOf)), () => {
        wake.knock();
      });
    }
    const due = rows.filter((row) => waitOf(row) <= 0);
    await Promise.all(due.map((row) => this.#poll(fence, row, signal)));
  }

  async #ownerType(owner: string, signal: AbortSignal): Promise<OwnerType> {
    try {
      return await this.#deps.forge.findOwnerType(owner, signal);
    } catch (error) {
      if (error instanceof ForgeError) return 'unknown';
      throw error;
    }
  }

  async #poll(fence: Fence, row: RunnerScopeRow, signal: AbortSignal): Promise<void> {
    const { forge, store, clock, logger, flow } = this.#deps;
    this.#askedAt.set(row.scope, clock.monotonic());
    try {
      const listing = await forge.listRunners(row.scope, row.etags, signal);
      this.#tellMismatch(row.scope, listing);
      const use = await store.runners.recordPass(fence, {
        forgeId: forge.id,
        scope: row.scope,
        sentAt: listing.forgeSentAt,
        runners: listing.isChanged ? listing.runners : null,
        etags: listing.etags,
        unseenMs: await flow.freshForMs(),
      });
      if (use !== undefined) this.#untold.add(use);
    } catch (error) {
      if (signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      // Every interval the same: news once, then only for who looks for it.
      const level = message === row.error ? 'debug' : 'warn';
      logger[level]({ err: error, scope: row.scope }, 'runners not listed');
      await store.runners.recordScopeError(fence, forge.id, row.scope, message);
    }
  }

  /** All that its pages show is used all the same; whom a page has skipped is not free until it shows up again. */
  #tellMismatch(scope: string, { mismatch }: RunnerListing): void {
    if (!this.#mismatches.isNews(scope, mismatch)) return;
    this.#deps.logger.warn({ scope, detail: mismatch }, 'the list of runners never adds up');
  }
}

function givesMoreToList({ kind, data }: Event): boolean {
  return (
    kind === 'group.synced' ||
    kind === 'template.synced' ||
    (kind === 'job.enqueued' && data['isManual'] === true) ||
    (kind === 'credential.changed' && data['isConnected'] === true)
  );
}
