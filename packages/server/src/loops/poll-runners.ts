import type { Forge } from '../forge/forge.ts';
import { ForgeError } from '../forge/forge.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Fence, RunnerScopeRow, Store } from '../store/store.ts';
import type { LoopContext, LoopSpec } from './leased-loop.ts';
import { type OwnerType, wantedScopes } from './runner-scopes.ts';

export interface PollRunnersDeps {
  readonly forge: Forge;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pollIntervalMs: number;
}

/** Lists the runners of every scope that jobs may go to, each at its own interval; a failing scope stops no other. */
export class PollRunners {
  readonly #deps: PollRunnersDeps;
  readonly #askedAt = new Map<string, number>();

  constructor(deps: PollRunnersDeps) {
    this.#deps = deps;
  }

  get spec(): LoopSpec {
    return {
      name: `poll-runners:${this.#deps.forge.id}`,
      everyMs: this.#deps.pollIntervalMs,
      isWokenBy: (event) =>
        // Its runner is probably free: seen half an interval sooner, it idles that much less.
        event.kind === 'attempt.ended' ||
        event.kind === 'group.synced' ||
        event.kind === 'template.synced' ||
        (event.kind === 'job.enqueued' && event.data['isManual'] === true) ||
        (event.kind === 'credential.changed' && event.data['isConnected'] === true),
      tick: (context) => this.#tick(context),
    };
  }

  async #tick({ fence, signal, mayGoOn }: LoopContext): Promise<void> {
    const { forge, store, clock, pollIntervalMs } = this.#deps;
    const [groups, used] = await Promise.all([
      store.catalog.listGroups(),
      store.runners.listUsedRepos(forge.id),
    ]);
    const ours = groups.filter((group) => group.forgeId === forge.id);
    const scopes = await wantedScopes(ours, used, (owner) => this.#ownerType(owner, signal));
    if (!mayGoOn()) return;
    await store.runners.setScopes(fence, forge.id, scopes);
    const now = clock.monotonic();
    const rows = await store.runners.listScopes(forge.id);
    // Half an interval of slack: a tick that comes a moment early must not put a scope off by a whole interval.
    const due = rows.filter(
      (row) => now - (this.#askedAt.get(row.scope) ?? -Infinity) >= pollIntervalMs / 2,
    );
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
    const { forge, store, clock, logger } = this.#deps;
    this.#askedAt.set(row.scope, clock.monotonic());
    try {
      const listing = await forge.listRunners(row.scope, row.etags, signal);
      await store.runners.recordPass(fence, {
        forgeId: forge.id,
        scope: row.scope,
        sentAt: listing.forgeSentAt,
        runners: listing.isChanged ? listing.runners : null,
        isComplete: listing.isComplete,
        etags: listing.etags,
      });
    } catch (error) {
      if (signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      logger.warn({ err: error, scope: row.scope }, 'runners not listed');
      await store.runners.recordScopeError(fence, forge.id, row.scope, message);
    }
  }
}
