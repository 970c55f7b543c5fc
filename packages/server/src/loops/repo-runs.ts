import type { Attempt } from '../domain/attempt.ts';

/** Older attempts do not widen the listing while they are few: each is read on its own instead. */
const RECENT_MS = 60 * 60_000;
const FEW = 5;
/** A run may carry a creation time a little before our claim: whole seconds, and clocks that differ. */
const SLACK_MS = 60_000;

/** One repository's live attempts, and how to look at their runs with the fewest requests. */
export interface RepoLook {
  readonly owner: string;
  readonly repo: string;
  readonly attempts: readonly Attempt[];
  /** Attempts that a listing is to show; empty: no listing is needed. */
  readonly listed: readonly Attempt[];
  /** The listing goes back to here, on the forge's clock. */
  readonly createdSince: number;
  /** Long-running ones, each read by its run id. */
  readonly single: readonly Attempt[];
}

/**
 * A listing of one page shows a hundred runs for the price of one read, but one that has to go back days costs a
 * page per hundred runs made since: the few attempts that old are read one by one.
 */
export function lookByRepo(attempts: readonly Attempt[], now: number): RepoLook[] {
  const byRepo = new Map<string, Attempt[]>();
  for (const attempt of attempts) {
    const key = `${attempt.owner}/${attempt.repo}`.toLowerCase();
    byRepo.set(key, [...(byRepo.get(key) ?? []), attempt]);
  }
  return [...byRepo.values()].map((group) => lookAt(group, now));
}

function lookAt(attempts: readonly Attempt[], now: number): RepoLook {
  const isOld = (attempt: Attempt): boolean =>
    attempt.runId !== null && now - attempt.claimedAt > RECENT_MS;
  const old = attempts.filter(isOld);
  const single = old.length > FEW ? [] : old;
  const listed = attempts.filter((attempt) => !single.includes(attempt));
  const [first] = attempts;
  return {
    owner: first?.owner ?? '',
    repo: first?.repo ?? '',
    attempts,
    listed,
    createdSince: Math.min(...listed.map((a) => a.forgeClaimedAt)) - SLACK_MS,
    single,
  };
}
