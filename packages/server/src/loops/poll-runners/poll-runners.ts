import type { Event } from '../../domain/event.ts';
import { type Forge, ForgeError, type RunnerListing } from '../../forge/forge.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Wake } from '../../lib/loop.ts';
import type { RunnerScopeRow } from '../../store/port/runners.ts';
import type { Store } from '../../store/port/store.ts';
import { GrowingPauses } from '../forge-limits/growing-pauses.ts';
import { limitedForMs } from '../forge-limits/limited-for.ts';
import { OwnLimits } from '../forge-limits/own-limits.ts';
import type { LoopContext, LoopSpec } from '../leased-loop.ts';
import type { WebhookFlow } from '../webhooks/webhook-flow.ts';
import { ListMismatches } from './list-mismatches.ts';
import { OwnerTypes } from './owner-types.ts';
import { derivedRepos, wantedScopes } from './runner-scopes.ts';
import { UnexplainedUse } from './unexplained-use.ts';

/** A scope that does not exist, or that no token of ours may list, stays so for long; once it may be listed that is seen after this. */
const LONGEST_REFUSED_MS = 15 * 60_000;
const SHORTEST_LIMIT_WAIT_MS = 1_000;

export interface PollRunnersDeps {
  readonly forge: Forge;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pollIntervalMs: number;
  readonly flow: WebhookFlow;
}

/**
 * Lists the runners of every scope that jobs may go to, each at its own interval, and ever more rarely where the forge
 * refuses it; a failing scope stops no other.
 */
export class PollRunners {
  readonly #deps: PollRunnersDeps;
  readonly #unexplained: UnexplainedUse;
  readonly #ownerTypes: OwnerTypes;
  readonly #mismatches = new ListMismatches();
  readonly #askedAt = new Map<string, number>();
  /** Scopes whose last listing failed: no webhook reports which runners there are. */
  readonly #failed = new Set<string>();
  readonly #refused: GrowingPauses;
  /** Of scopes. */
  readonly #ownLimits: OwnLimits;
  /** A run has ended, so a runner is probably free: it should be seen half an interval sooner. */
  #isSoonWanted = false;
  /** There may be something to list that was not listed before. */
  #isMoreWanted = false;
  /** As it was last seen: while webhooks report which runners a run has freed, its end is no reason to look. */
  #isFlowing = false;
  #cancelSoon: () => void = () => undefined;
  /** Scopes whose listing a limit kept from being sent, until it is over. */
  readonly #heldBack = new Set<string>();
  #cancelLimited: () => void = () => undefined;

  constructor(deps: PollRunnersDeps) {
    this.#deps = deps;
    this.#unexplained = new UnexplainedUse(deps);
    this.#ownerTypes = new OwnerTypes(deps);
    const { clock, pollIntervalMs } = deps;
    const longestMs = Math.max(LONGEST_REFUSED_MS, pollIntervalMs);
    this.#refused = new GrowingPauses({ clock, firstMs: pollIntervalMs, longestMs });
    this.#ownLimits = new OwnLimits({ clock, rememberedMs: longestMs });
  }

  get spec(): LoopSpec {
    return {
      name: `poll-runners:${this.#deps.forge.id}`,
      everyMs: this.#deps.flow.checkEveryMs(this.#deps.pollIntervalMs),
      onEvent: (event) => {
        const isEnd = event.kind === 'attempt.ended';
        const isMore = givesMoreToList(event);
        if (isEnd) this.#noteEnd(event);
        if (isMore) this.#isMoreWanted = true;
        if (isConnection(event)) this.#askAgain();
        return isMore || (isEnd && !this.#isFlowing) ? 'wake' : 'ignore';
      },
      tick: (context) => this.#tick(context),
      drain: () => {
        this.#cancelSoon();
        this.#cancelLimited();
        return Promise.resolve();
      },
    };
  }

  #noteEnd({ subjectId }: Event): void {
    this.#isSoonWanted = true;
    this.#unexplained.addEnd(subjectId);
  }

  #askAgain(): void {
    this.#ownerTypes.askAgain();
    this.#refused.endAll();
  }

  async #tick(context: LoopContext): Promise<void> {
    const scopes = await this.#listWantedScopes(context);
    if (!context.mayGoOn()) return;
    const { forge, store } = this.#deps;
    // Before the pace is asked for, which depends on it.
    await this.#unexplained.settle();
    await store.runners.setScopes(context.fence, forge.id, scopes);
    await this.#pollDue(context, await store.runners.listScopes(forge.id));
  }

  async #listWantedScopes(context: LoopContext): Promise<string[]> {
    const { forge, store } = this.#deps;
    const [groups, used] = await Promise.all([
      store.catalog.listGroups(),
      store.runners.listUsedRepos(forge.id),
    ]);
    const ours = groups.filter((group) => group.forgeId === forge.id);
    const repos = derivedRepos(ours, used);
    await this.#ownerTypes.ask(
      repos.map(({ owner }) => owner),
      context,
    );
    const isAllKnown = repos.every(({ owner }) => this.#ownerTypes.isKnown(owner));
    const stored = isAllKnown ? [] : await store.runners.listScopes(forge.id);
    const places = stored.map(({ scope }) => scope);
    return wantedScopes(ours, repos, (owner) => this.#ownerTypes.find(owner), places);
  }

  /**
   * Whatever wakes us: no scope is asked again before half its interval is over. While webhooks flow they report
   * which runners a run has freed.
   *
   * @returns by scope
   */
  async #findPauses(): Promise<(scope: string) => number> {
    const { flow, pollIntervalMs } = this.#deps;
    const isMoreWanted = this.#isMoreWanted;
    this.#isMoreWanted = false;
    const intervalMs = await flow.pollIntervalMs();
    this.#isFlowing = intervalMs > pollIntervalMs;
    if (this.#isFlowing) this.#isSoonWanted = false;
    const isSoon = isMoreWanted || this.#isSoonWanted;
    const earlyMs = flow.checkEveryMs(pollIntervalMs) / 2;
    return (scope) => {
      if (isSoon) return pollIntervalMs / 2;
      return (this.#failed.has(scope) ? pollIntervalMs : intervalMs) - earlyMs;
    };
  }

  /** Each in the background: a scope whose listing hangs must not make the runners of the others stale. */
  async #pollDue(context: LoopContext, rows: RunnerScopeRow[]): Promise<void> {
    const { clock } = this.#deps;
    const { wake, background } = context;
    const pauseOf = await this.#findPauses();
    const now = clock.monotonic();
    const waitOf = ({ scope }: RunnerScopeRow): number =>
      (this.#askedAt.get(scope) ?? -Infinity) + pauseOf(scope) - now;
    this.#refused.keepOnly(rows.map(({ scope }) => scope));
    const open = rows.filter(({ scope }) => this.#refused.isOver(scope));
    const early = open.filter((row) => waitOf(row) > 0);
    this.#cancelSoon();
    if (early.length === 0) this.#isSoonWanted = false;
    if (this.#isSoonWanted) {
      this.#cancelSoon = clock.after(Math.min(...early.map(waitOf)), () => {
        wake.notify();
      });
    }
    for (const row of open.filter((one) => waitOf(one) <= 0)) {
      const isBegun = background.tryStart(`scope:${row.scope}`, () => this.#poll(context, row));
      if (isBegun) this.#askedAt.set(row.scope, now);
    }
  }

  /**
   * After a limit of the whole account by one interval each time: were it longer, its runners would be stale when the limit is
   * over. Those of a scope with a limit of its own are stale anyway, and each time it stops all else.
   */
  #pause(scope: string, error: unknown): void {
    const limitedMs = limitedForMs(error, this.#deps.clock);
    if (limitedMs !== undefined && !this.#ownLimits.meet(scope)) this.#refused.forget(scope);
    if (limitedMs !== undefined || isRefusal(error)) this.#refused.noteInVain(scope, limitedMs);
  }

  /** It was not sent: its runners go stale meanwhile, so it is asked for when the limit is over, not an interval after this. */
  #askAfterLimit(scope: string, retryAt: number, wake: Wake): void {
    const { clock } = this.#deps;
    this.#heldBack.add(scope);
    this.#cancelLimited();
    // A moment that has passed and changed nothing must not spin the loop.
    const waitMs = Math.max(SHORTEST_LIMIT_WAIT_MS, retryAt - clock.now());
    this.#cancelLimited = clock.after(waitMs, () => {
      for (const one of this.#heldBack) this.#askedAt.delete(one);
      this.#heldBack.clear();
      wake.notify();
    });
  }

  async #poll({ fence, signal, mayGoOn, wake }: LoopContext, row: RunnerScopeRow): Promise<void> {
    const { forge, store, logger, flow } = this.#deps;
    try {
      const listing = await forge.listRunners(row.scope, row.etags, signal);
      this.#refused.succeed(row.scope);
      this.#failed.delete(row.scope);
      for (const scope of this.#ownLimits.pass(row.scope)) this.#refused.forget(scope);
      this.#logMismatch(row.scope, listing);
      const use = await store.runners.recordListing(fence, {
        forgeId: forge.id,
        scope: row.scope,
        sentAt: listing.forgeSentAt,
        runners: listing.isChanged ? listing.runners : null,
        etags: listing.etags,
        unseenMs: await flow.freshForMs(),
      });
      if (use !== undefined) this.#unexplained.add(use);
    } catch (error) {
      this.#failed.add(row.scope);
      this.#pause(row.scope, error);
      if (!mayGoOn()) return;
      const retryAt = heldBackUntil(error);
      if (retryAt !== undefined) this.#askAfterLimit(row.scope, retryAt, wake);
      const message = error instanceof Error ? error.message : String(error);
      // Every interval the same: news once, then only for who looks for it.
      const level = message === row.error ? 'debug' : 'warn';
      logger[level]({ err: error, scope: row.scope }, 'runners not listed');
      await store.runners.recordScopeError(fence, forge.id, row.scope, message);
    }
  }

  /** All that its pages show is used all the same; whom a page has skipped is not free until it shows up again. */
  #logMismatch(scope: string, { mismatch }: RunnerListing): void {
    if (!this.#mismatches.isNews(scope, mismatch)) return;
    this.#deps.logger.warn({ scope, detail: mismatch }, 'the list of runners never adds up');
  }
}

/** By a limit that nothing may be sent before the end of; another request has met it. */
function heldBackUntil(error: unknown): number | undefined {
  if (!(error instanceof ForgeError) || error.code !== 'rate-limited') return undefined;
  return error.isAnswered ? undefined : error.retryAt;
}

function isRefusal(error: unknown): boolean {
  return error instanceof ForgeError && (error.code === 'not-found' || error.code === 'no-access');
}

function givesMoreToList(event: Event): boolean {
  const { kind, data } = event;
  return (
    kind === 'group.synced' ||
    kind === 'template.synced' ||
    (kind === 'job.enqueued' && data['isManual'] === true) ||
    isConnection(event)
  );
}

function isConnection({ kind, data }: Event): boolean {
  return kind === 'credential.changed' && data['isConnected'] === true;
}
