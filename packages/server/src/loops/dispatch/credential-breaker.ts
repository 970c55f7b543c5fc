import { LONGEST_BACKOFF_MS, type WorkflowTarget } from '../../domain/job.ts';
import { Breaker, type BreakerOptions } from '../../lib/breaker.ts';
import type { Clock } from '../../lib/clock.ts';
import { OwnLimits } from '../forge-limits/own-limits.ts';
import type { FailedAt } from './choose-probe.ts';

/**
 * Stops all dispatches of a credential when it is the forge that fails, and not one repository: what always fails there has
 * pauses of its own (`failing` blocks), and must not stop the others. Only when workflows of a second repository begin to
 * fail, with no answer in between, does this one open. While it is open one probe goes at a time, each for another
 * repository, so that those that fail do not hide that the rest works.
 */
export class CredentialBreaker {
  readonly #breaker: Breaker;
  readonly #clock: Clock;
  /** Workflows whose last dispatch failed, and when; monotonic. */
  readonly #failedAt = new Map<string, number>();
  /** Repositories for which the last dispatch failed, whichever the workflow, and when; monotonic. */
  readonly #repoFailedAt = new Map<string, number>();
  /** Repositories with a workflow that began to fail since the forge last answered. */
  readonly #newlyFailing = new Set<string>();
  /** Of workflows. */
  readonly #ownLimits: OwnLimits;
  /** Those that have met a limit, by their key. */
  readonly #limited = new Map<string, WorkflowTarget>();
  #hasRecovered = false;

  constructor(clock: Clock, options: BreakerOptions) {
    this.#clock = clock;
    this.#breaker = new Breaker(clock, options);
    this.#ownLimits = new OwnLimits({ clock, rememberedMs: LONGEST_BACKOFF_MS });
  }

  /** Epoch milliseconds at which a probe may go; `null`: closed, or the probe may go now. */
  get retryAt(): number | null {
    return this.#breaker.retryAt;
  }

  /** How many dispatches may go now: no bound while closed, one probe when its time has come, else none. */
  get allowed(): number {
    return this.#breaker.allowed;
  }

  get isProbeDue(): boolean {
    return this.#breaker.allowed === 1;
  }

  /** When one of this repository, and of this workflow, last failed; −∞: never, or it has worked since. */
  failedAt(workflow: WorkflowTarget): FailedAt {
    return {
      repo: this.#repoFailedAt.get(repoOf(workflow)) ?? -Infinity,
      workflow: this.#failedAt.get(keyOf(workflow)) ?? -Infinity,
    };
  }

  /** One goes now. */
  start(): void {
    this.#breaker.start();
  }

  /** Once after each time in which the forge failed as a whole, or limited all that is sent: it works again. */
  takeRecovery(): boolean {
    const hasRecovered = this.#hasRecovered;
    this.#hasRecovered = false;
    return hasRecovered;
  }

  /** The forge answered, be it with a refusal. */
  succeed(workflow: WorkflowTarget): void {
    this.#hasRecovered ||= this.#breaker.allowed !== Infinity;
    this.#failedAt.delete(keyOf(workflow));
    this.#repoFailedAt.delete(repoOf(workflow));
    this.#newlyFailing.clear();
    this.#breaker.succeed();
  }

  /** Workflows with a limit of their own: that the forge works again has nothing to do with it. */
  listOwnLimited(): WorkflowTarget[] {
    return this.#ownLimits.listOwn().flatMap((key) => this.#limited.get(key) ?? []);
  }

  /** The forge has started one: limits that it and others had met are over for all of them. */
  accept(workflow: WorkflowTarget): void {
    this.succeed(workflow);
    const others = this.#ownLimits.pass(keyOf(workflow));
    for (const key of [keyOf(workflow), ...others]) this.#limited.delete(key);
    if (others.length > 0) this.#hasRecovered = true;
  }

  /** The forge answered that it takes no more for now. @returns whether it looks like a limit of this workflow's own */
  limit(workflow: WorkflowTarget): boolean {
    this.succeed(workflow);
    const { owner, repo, workflowId } = workflow;
    this.#limited.set(keyOf(workflow), { owner, repo, workflowId });
    return this.#ownLimits.meet(keyOf(workflow));
  }

  /** The forge could not be reached at all: no workflow has to do with that. */
  failToReach(): void {
    this.#breaker.fail();
  }

  /** @returns whether it counts as this workflow's own failure; while the breaker is open it is the credential's */
  fail(workflow: WorkflowTarget): boolean {
    const key = keyOf(workflow);
    const isOpen = this.#breaker.allowed !== Infinity;
    // One that goes on failing is no news, or it would stop the others again and again.
    const isNews = !this.#failedAt.has(key);
    if (isNews) this.#newlyFailing.add(repoOf(workflow));
    const now = this.#clock.monotonic();
    this.#failedAt.set(key, now);
    this.#repoFailedAt.set(repoOf(workflow), now);
    if (isOpen || (isNews && this.#newlyFailing.size > 1)) this.#breaker.fail();
    return !isOpen;
  }

  /** It was not sent, or what became of it says nothing of the forge. */
  skip(): void {
    this.#breaker.skip();
  }
}

function repoOf({ owner, repo }: WorkflowTarget): string {
  return `${owner}/${repo}`.toLowerCase();
}

function keyOf({ owner, repo, workflowId }: WorkflowTarget): string {
  return JSON.stringify([owner, repo, workflowId]).toLowerCase();
}
