/** Runs of a repository that can be read while the listing of its runs cannot: such a page may fail for weeks. */
import type { Attempt } from '../../domain/attempt.ts';
import type { LoopContext } from '../leased-loop.ts';
import {
  type FollowOneDeps,
  followEach,
  followOne,
  isRepoReadable,
  unreadableGapMs,
} from './follow-run.ts';
import { type RepoPoll, SINGLE_AT_A_POLL } from './repo-runs.ts';
import { isSearching } from './resolve-attempts.ts';

export interface UnlistedDeps extends FollowOneDeps {
  /** A new run may be readable only so long after the reply that named it: until then its absence says nothing. */
  readonly runVisibleMs: number;
}

/** What of a look is to be done without the listing, and why it did not come. */
export interface Unlisted {
  /** May have a run that is known: it is read by its id. */
  readonly attempts: readonly Attempt[];
  /** `undefined`: nothing speaks against it but that it was not asked for this time. */
  readonly failure: Error | undefined;
}

/**
 * Known runs are read by their ids, those seen longest ago first, and nothing waits for ever for a run that is not known. Where
 * the repository cannot be read either the forge is out of order, or its limit is used up: then it is waited for.
 */
export async function followUnlisted(
  deps: UnlistedDeps,
  poll: RepoPoll,
  context: LoopContext,
  { attempts, failure }: Unlisted,
): Promise<void> {
  const known = knownInTurn(deps, attempts);
  const sought = failure === undefined ? [] : poll.listed.filter(isSearching);
  if (known.length + sought.length === 0) return;
  if (!(await isReadable(deps, poll, context)) || !context.mayGoOn()) return;
  await followEach(deps, known, context, (one) => followOne(deps, one, context.signal));
  if (failure === undefined) return;
  await followEach(deps, sought, context, (one) => noteUnlistable(deps, one, failure));
}

function knownInTurn(
  { clock, runVisibleMs }: UnlistedDeps,
  attempts: readonly Attempt[],
): Attempt[] {
  const now = clock.now();
  return attempts
    .filter(({ runId, endedAt }) => runId !== null && endedAt === null)
    .filter(({ claimedAt }) => now - claimedAt > runVisibleMs)
    .sort((a, b) => (a.runObservedAt ?? 0) - (b.runObservedAt ?? 0))
    .slice(0, SINGLE_AT_A_POLL);
}

async function isReadable(
  deps: UnlistedDeps,
  poll: RepoPoll,
  { signal }: LoopContext,
): Promise<boolean> {
  try {
    return (await isRepoReadable(deps, poll, signal)) === true;
  } catch {
    return false;
  }
}

async function noteUnlistable(deps: UnlistedDeps, attempt: Attempt, failure: Error): Promise<void> {
  const { id, owner, repo } = attempt;
  const ambiguous =
    `outcome-ambiguous: no answer named the run of its dispatch, and the runs of ${owner}/${repo} cannot be listed ` +
    `(${failure.message}): whether it started one cannot be told, so it is not sent again. Once they can be listed a run ` +
    'of its workflow that bears its id is cancelled; look for one that does not, and add the job again then, if its work was not done';
  const messages = { lost: failure.message, ambiguous };
  await deps.store.runs.recordRunUnreadable(id, unreadableGapMs(deps, attempt), messages);
}
