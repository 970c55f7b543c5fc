/** A run that an attempt has by its time alone, right before it is ended: whether it is the only one that can be its own. */
import type { Attempt, Run } from '../../domain/attempt.ts';
import { isGivenUp } from '../../domain/attempt.ts';
import {
  type CorrelationView,
  mayHaveMade,
  mayHaveMadeLater,
} from '../../domain/correlation/clusters.ts';
import type { CorrelationTiming, SearchedAttempt } from '../../domain/correlation/window.ts';
import { repoKeyOf, runsElsewhere, runsOfKey } from '../../domain/run-keys.ts';
import { ambiguousMessage } from '../track-runs/ambiguous-message.ts';
import type { FollowDeps } from '../track-runs/follow-run.ts';
import { listedSince } from '../track-runs/repo-runs.ts';
import { asSearched, isSearching } from '../track-runs/resolve-attempts.ts';
import type { RunStamps, StampOffset } from '../track-runs/run-stamps.ts';

export interface GuessDeps
  extends Pick<FollowDeps, 'forge' | 'store' | 'logger'>,
    CorrelationTiming {
  readonly stamps: Pick<RunStamps, 'offset'>;
}

/** What was given up has its late run by the listings that showed none before: no later one says more of it. */
export function isGuessed({ matchedBy, state }: Attempt): boolean {
  return matchedBy === 'order' && !isGivenUp({ state });
}

/**
 * A second run may have shown in its window since it was taken: listings lag. Then nobody can tell which is its own; it lets go of
 * this one, and none is ended.
 *
 * @returns whether this run may be ended; false where another attempt has yet to say which is its own, too
 * @throws RunsNotListed
 */
export async function isOnlyRun(
  deps: GuessDeps,
  attempt: Attempt,
  run: Run,
  signal: AbortSignal,
): Promise<boolean> {
  const { store, logger, forge } = deps;
  const offset = await deps.stamps.offset();
  const listed = await listSince(deps, attempt, { run, offset }, signal);
  // In this order: what an attempt gets in between is looked for by it, or owned.
  const live = await store.runs.listLive(forge.id);
  const owned = await store.runs.listOwnedRunIds(
    forge.id,
    listed.map(({ id }) => id),
  );
  const unowned = listed.filter(({ id }) => id !== run.id && !owned.has(id));
  const rivals = rivalsOf(deps, attempt, { run, offset }, { live, unowned });
  // Taken before it showed that stamps are ahead: it may have been made before the claim.
  const isUnsure = offset.areStampsAhead && attempt.state !== 'accepted';
  if (rivals.runs.length === 0 && !isUnsure) return true;
  if (rivals.isSought && !isUnsure) return false;
  const message = ambiguousMessage(attempt, [run, ...rivals.runs]);
  if (await store.runs.concludeAmbiguous(attempt.id, message, { guessedRunId: run.id })) {
    logger.warn({ attemptId: attempt.id, runId: run.id, message }, 'run not cancelled');
  }
  return false;
}

interface Guess {
  readonly run: Run;
  readonly offset: StampOffset;
}

/** Whether another run may be meant cannot be told: it is not cancelled. */
export class RunsNotListed extends Error {}

/**
 * What both kinds of listings show: a forge's search over runs has lacked some for hours while its plain listing showed them. One
 * that lacks this very run shows nothing about others.
 */
async function listSince(
  { forge }: GuessDeps,
  attempt: Attempt,
  { run, offset }: Guess,
  signal: AbortSignal,
): Promise<readonly Run[]> {
  const { owner, repo } = attempt;
  const createdSince = listedSince([attempt], offset);
  const filter = { createdSince, purpose: 'lookup' } as const;
  const plain = await forge.listRuns(owner, repo, { ...filter, isPlain: true }, signal);
  if (!plain.isComplete || !plain.runs.some(({ id }) => id === run.id)) {
    throw new RunsNotListed(
      `run ${run.id} is known by its time alone, and no plain listing of ${owner}/${repo} shows whether another may be meant: ` +
        'cancel it at the forge if it is the right one',
    );
  }
  const found = await forge.listRuns(owner, repo, filter, signal);
  const listed = new Map([...found.runs, ...plain.runs].map((one) => [one.id, one]));
  return [...listed.values()];
}

interface Seen {
  readonly live: readonly Attempt[];
  readonly unowned: readonly Run[];
}

/** `isSought`: each of them may yet be found to be that of another attempt. */
function rivalsOf(
  deps: GuessDeps,
  attempt: Attempt,
  { run, offset }: Guess,
  { live, unowned }: Seen,
): { readonly runs: readonly Run[]; readonly isSought: boolean } {
  const view: CorrelationView = { timing: deps, namedCommits: new Set() };
  const credential = deps.forge.credentialFor('dispatch');
  // As the forge calls us now: it shows older runs of a renamed account so too.
  const credentialNow = () => ({ ...credential, actor: run.actor });
  const searched = (one: Attempt): SearchedAttempt => asSearched({ offset, credentialNow }, one);
  const own = searched(attempt);
  const runs = [
    ...runsOfKey(attempt, unowned),
    ...runsElsewhere(attempt, unowned, [attempt.id]),
  ].filter((one) => mayHaveMade(own, one, view));
  const seekers = live
    .filter((one) => repoKeyOf(one) === repoKeyOf(attempt))
    .filter((one) => isSearching(one) || one.state === 'claimed')
    .map(searched);
  const isSought = runs.every((one) =>
    seekers.some((seeker) => mayHaveMadeLater(seeker, one, view)),
  );
  return { runs, isSought };
}
