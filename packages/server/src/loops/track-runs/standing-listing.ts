/** Whether a listing shows what it must: one that stands still says nothing about what is not there. */
import type { Attempt } from '../../domain/attempt.ts';
import { STAMP_STEP_MS } from '../../domain/stamp-step.ts';
import { type DateOffset, type Forge, ForgeError, type RunListing } from '../../forge/forge.ts';
import type { NamedRun } from '../../store/port/runs.ts';
import type { Store } from '../../store/port/store.ts';

/** The latest of the repository: a list that shows those does not stand still. */
const RUNS_READ = 100;
/** Some may have been deleted, which no listing shows. */
const MOST_ASKED_FOR = 3;

export interface StandingDeps {
  readonly runs: Pick<Store['runs'], 'listNamedRuns'>;
  readonly forge: Pick<Forge, 'getRun'>;
  /** A new run may be listed only so long after the reply that named it. */
  readonly runVisibleMs: number;
  readonly offset: DateOffset;
  readonly signal: AbortSignal;
}

interface Listed extends Pick<Attempt, 'forgeId' | 'owner' | 'repo'> {
  /** The listing goes back to here, on the forge's clock. */
  readonly createdSince: number;
}

/**
 * By the runs of this repository that replies have named: they are there, each can be read by its id, and a listing of their time
 * that lacks one is older than it looks.
 *
 * @throws ForgeError
 */
export async function isStandingStill(
  deps: StandingDeps,
  where: Listed,
  listing: Pick<RunListing, 'runs' | 'forgeSentAt'>,
): Promise<boolean> {
  const until = listing.forgeSentAt - deps.runVisibleMs;
  const { forgeId, owner, repo, createdSince } = where;
  const named = await deps.runs.listNamedRuns({
    ...{ forgeId, owner, repo, limit: RUNS_READ },
    ...{ claimedSince: createdSince, claimedUntil: until },
  });
  const isInside = ({
    forgeClaimedAt,
    forgeSendDeadline,
    forgeUncertaintyMs,
  }: NamedRun): boolean => {
    // That its stamp may be further off than was thought may have shown only after its claim.
    const unsureMs = Math.max(forgeUncertaintyMs, deps.offset.uncertaintyMs);
    const earliestStamp = forgeClaimedAt - unsureMs - STAMP_STEP_MS;
    return earliestStamp >= createdSince && forgeSendDeadline + unsureMs <= until;
  };
  const shown = new Set(listing.runs.map(({ id }) => id));
  const lacking = named.filter(isInside).filter(({ runId }) => !shown.has(runId));
  for (const { runId } of lacking.slice(0, MOST_ASKED_FOR)) {
    if (await isThere(deps, where, runId)) return true;
  }
  return false;
}

async function isThere(
  { forge, signal }: StandingDeps,
  { owner, repo }: Listed,
  runId: string,
): Promise<boolean> {
  try {
    await forge.getRun(owner, repo, runId, signal, 'lookup');
    return true;
  } catch (error) {
    if (error instanceof ForgeError && error.code === 'not-found') return false;
    throw error;
  }
}
