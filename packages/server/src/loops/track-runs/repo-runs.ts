import type { Attempt } from '../../domain/attempt.ts';
import { steppedSince } from '../../domain/correlation/window.ts';
import { repoKeyOf } from '../../domain/run-keys.ts';
import type { DateOffset } from '../../forge/forge.ts';

/** Older attempts do not widen the listing: each is read on its own instead, so many at a look, in turn. */
const RECENT_MS = 60 * 60_000;
export const SINGLE_AT_A_POLL = 8;
/** A run may carry a creation time a little before our claim: whole seconds, and clocks that differ. */
const SLACK_MS = 60_000;

/** One repository's live attempts, and how to look at their runs with the fewest requests. */
export interface RepoPoll {
  readonly owner: string;
  readonly repo: string;
  readonly attempts: readonly Attempt[];
  /** Attempts that a listing is to show; empty: no listing is needed. */
  readonly listed: readonly Attempt[];
  /** The listing goes back to here, on the forge's clock. */
  readonly createdSince: number;
  /** Long-running ones whose turn it is, each read by its run id. */
  readonly single: readonly Attempt[];
}

/**
 * A listing of one page shows a hundred runs for the price of one read, but one that has to go back days costs a
 * page per hundred runs made since: attempts that old are read one by one. However many they are, a look costs the
 * same: those seen longest ago are next.
 *
 * @param urgent ids of attempts that go before all others
 */
export function pollsByRepo(
  attempts: readonly Attempt[],
  now: number,
  offset: DateOffset,
  urgent: ReadonlySet<string> = new Set(),
): RepoPoll[] {
  const byRepo = Map.groupBy(attempts, repoKeyOf);
  return [...byRepo.values()].map((group) => repoPollOf(group, now, offset, urgent));
}

function repoPollOf(
  attempts: readonly Attempt[],
  now: number,
  offset: DateOffset,
  urgent: ReadonlySet<string>,
): RepoPoll {
  const isOld = (attempt: Attempt): boolean =>
    attempt.runId !== null && now - attempt.claimedAt > RECENT_MS;
  const listed = attempts.filter((attempt) => !isOld(attempt));
  const turnOf = ({ id, runObservedAt }: Attempt): number =>
    urgent.has(id) ? -Infinity : (runObservedAt ?? 0);
  const inTurn = attempts.filter(isOld).toSorted((a, b) => compare(turnOf(a), turnOf(b)));
  const [first] = attempts;
  return {
    owner: first?.owner ?? '',
    repo: first?.repo ?? '',
    attempts,
    listed,
    createdSince: listedSince(listed, offset),
    single: inTurn.slice(0, SINGLE_AT_A_POLL),
  };
}

/** Also of two that are both -Infinity. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}

/** How far back a listing has to go to show the runs of all these attempts; on the forge's clock. That stamps are off may have shown only after a claim. */
export function listedSince(attempts: readonly Attempt[], offset: DateOffset): number {
  const unsureMs = offset.uncertaintyMs;
  const from = attempts.map((one) => {
    const backMs = Math.max(0, -steppedSince(one, offset));
    return one.forgeClaimedAt - Math.max(one.forgeUncertaintyMs, unsureMs) - backMs;
  });
  return Math.min(...from) - SLACK_MS;
}
