/** One listing of a scope's runners, and what it tells of their use: a part of the store's port. */
import type { ObservedRunner } from '../../domain/runner.ts';

export interface RunnerPass {
  readonly forgeId: string;
  readonly scope: string;
  readonly sentAt: number;
  /** `null`: nothing changed since the pass of these ETags. */
  readonly runners: readonly ObservedRunner[] | null;
  /** An incomplete pass updates what it saw, and lets nothing go. */
  readonly isComplete: boolean;
  readonly etags: readonly string[];
}

/** Runners that a pass was the first to see taken or freed. Times are epoch milliseconds of the forge's clock. */
export interface SeenUse {
  readonly forgeId: string;
  /** When the pass before was sent: what it saw was otherwise. */
  readonly since: number;
  /** When this pass was sent. */
  readonly until: number;
  /** Never empty. */
  readonly runners: readonly UsedRunner[];
}

export interface UsedRunner {
  readonly forgeRunnerId: string;
  readonly name: string;
  /** As of now: it was not so before. */
  readonly isBusy: boolean;
  /** A webhook told since the pass before, as of then, that it was otherwise. `null`: none did. */
  readonly toldAt: number | null;
}

export interface RunnerUseStore {
  /**
   * Whether workflow jobs are known that started or ended since, and so explain what was seen.
   *
   * @param slackMs so late the forge may show what its runners do
   */
  isUseExplained(seen: SeenUse, slackMs: number): Promise<boolean>;
}
