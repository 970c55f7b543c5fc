/** Runners, listing by listing of their scopes, and what a listing reports their use. */
import type { ObservedRunner, Runner } from '../../domain/runner.ts';
import type { Fence } from './leases.ts';

export interface RunnerSync {
  readonly forgeId: string;
  readonly scope: string;
  readonly sentAt: number;
  /** `null`: nothing changed since the listing of these ETags. */
  readonly runners: readonly ObservedRunner[] | null;
  /** `[]` also where its pages do not add up: "unchanged" must never stand for those. */
  readonly etags: readonly string[];
  /** A runner that no listing has shown for so long is gone. Those of a scope without a listing for so long are not free. */
  readonly unseenMs: number;
}

/** Runners that a listing was the first to see taken or freed. Times are epoch milliseconds of the forge's clock. */
export interface ObservedUse {
  readonly forgeId: string;
  /** When the listing before was sent: what it saw was otherwise. */
  readonly since: number;
  /** When this listing was sent. */
  readonly until: number;
  /** Never empty. */
  readonly runners: readonly UsedRunner[];
}

export interface UsedRunner {
  readonly forgeRunnerId: string;
  readonly name: string;
  /** As of now: it was not so before. */
  readonly isBusy: boolean;
  /** A webhook reported since the listing before, as of then, that it was otherwise. `null`: none did. */
  readonly deliveredAt: number | null;
}

export interface RunnerScopeRow {
  readonly forgeId: string;
  readonly scope: string;
  readonly etags: readonly string[];
  /** Send time of the last listing, on the forge's clock. */
  readonly listingSentAt: number | null;
  /** When that listing was stored, on ours. */
  readonly listedAt: number | null;
  readonly error: string;
}

/** Owners and repositories that jobs go to: those of templates in config, and of all jobs that have not ended. */
export interface UsedRepo {
  readonly groupId: string;
  readonly owner: string;
  readonly repo: string;
}

export interface RunnerStore {
  /** By name. */
  listRunners(): Promise<Runner[]>;
  /** That have its labels, in the scopes it may use. `undefined`: no such group. */
  listRunnersOfGroup(groupId: string): Promise<Runner[] | undefined>;
  findRunners(ids: readonly string[]): Promise<Runner[]>;
  listUsedRepos(forgeId: string): Promise<UsedRepo[]>;
  /** With ETags only where "unchanged" would still be about the runners as they are stored. */
  listScopes(forgeId: string): Promise<RunnerScopeRow[]>;
  /** Scopes not named any more are dropped with their runners. */
  setScopes(fence: Fence, forgeId: string, scopes: readonly string[]): Promise<void>;
  /**
   * Takes a listing, row by row only where newer. What it showed was seen, whether or not its pages add up. Unseen by one
   * listing: offline; by three in a row, or by two within longer than `unseenMs`: gone.
   * Writes nothing without the lease, or when a newer pass is stored.
   *
   * @returns which runners it was the first to see taken or freed
   */
  recordListing(fence: Fence, pass: RunnerSync): Promise<ObservedUse | undefined>;
  recordScopeError(fence: Fence, forgeId: string, scope: string, message: string): Promise<void>;
  /**
   * Whether workflow jobs are known that started or ended since, and so explain what was seen.
   *
   * @param slackMs so late the forge may show what its runners do
   */
  isUseExplained(seen: ObservedUse, slackMs: number): Promise<boolean>;
  /** Whether a runner is shown busy since before the run of one of these attempts was seen to have ended, and nothing says that it left it. */
  areBusyWithEnded(attemptIds: readonly string[]): Promise<boolean>;
}
