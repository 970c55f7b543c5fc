/** Whether a listing shows what it must: one that stands still says nothing about what is not there. */
import type { Attempt } from '../../domain/attempt.ts';
import { STAMP_STEP_MS } from '../../domain/stamp-step.ts';
import { type DateOffset, type Forge, ForgeError, type RunListing } from '../../forge/forge.ts';
import type { NamedRun } from '../../store/port/runs.ts';
import type { Store } from '../../store/port/store.ts';

/** The latest of the repository: a list that shows those does not stand still. */
const RUNS_READ = 100;
/** At once. Some may have been deleted, which no listing shows: the others are asked for at the next look. */
const MOST_ASKED_FOR = 10;
/** A listing goes back so far for a run that it must show: each hundred runs of others that were made since cost a page. */
const MOST_BACK_MS = 60 * 60_000;

export interface StandingDeps {
  readonly runs: Pick<Store['runs'], 'listNamedRuns'>;
  readonly forge: Pick<Forge, 'getRun'>;
  /** A new run may be listed only so long after the reply that named it. */
  readonly runVisibleMs: number;
  readonly offset: DateOffset;
  readonly signal: AbortSignal;
  /** Runs that were asked for and are not there. */
  readonly deletedRuns: DeletedRuns;
}

interface Listed extends Pick<Attempt, 'forgeId' | 'owner' | 'repo'> {
  /** The listing goes back to here, on the forge's clock. */
  readonly createdSince: number;
}

/**
 * So far back that there is a run which the listing must show: one that shows none says nothing about whether it stands still.
 *
 * @param forgeNow when it is about to be sent, on the forge's clock
 */
export async function listedSinceNamed(
  deps: StandingDeps,
  where: Listed,
  forgeNow: number,
): Promise<number> {
  const createdSince = where.createdSince - MOST_BACK_MS;
  const named = await listMustShow(deps, { ...where, createdSince }, forgeNow);
  const latest = Math.max(...named.map((one) => earliestStampOf(one, deps)));
  return named.length === 0 ? where.createdSince : Math.min(where.createdSince, latest);
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
  const named = await listMustShow(deps, where, listing.forgeSentAt);
  const shown = new Set(listing.runs.map(({ id }) => id));
  const lacking = named.filter(({ runId }) => !shown.has(runId));
  // Those that go on are there, whatever was deleted since.
  const inTurn = [
    ...lacking.filter(({ isLive }) => isLive),
    ...lacking.filter((one) => !one.isLive),
  ];
  for (const { runId } of inTurn.slice(0, MOST_ASKED_FOR)) {
    if (await isThere(deps, where, runId)) return true;
    deps.deletedRuns.add(runId);
  }
  return lacking.length > MOST_ASKED_FOR;
}

/** Those made in its time, and long enough ago. */
async function listMustShow(
  { runs, runVisibleMs, offset, deletedRuns }: StandingDeps,
  { forgeId, owner, repo, createdSince }: Listed,
  forgeSentAt: number,
): Promise<NamedRun[]> {
  const until = forgeSentAt - runVisibleMs;
  const named = await runs.listNamedRuns({
    ...{ forgeId, owner, repo, limit: RUNS_READ },
    ...{ claimedSince: createdSince, claimedUntil: until },
  });
  return named.filter((one) => {
    if (deletedRuns.has(one.runId)) return false;
    const isListedByNow = one.forgeSendDeadline + unsureMsOf(one, { offset }) <= until;
    return isListedByNow && earliestStampOf(one, { offset }) >= createdSince;
  });
}

function earliestStampOf(run: NamedRun, deps: Pick<StandingDeps, 'offset'>): number {
  return run.forgeClaimedAt - unsureMsOf(run, deps) - STAMP_STEP_MS;
}

/** That its stamp may be further off than was thought may have shown only after its claim. */
function unsureMsOf(
  { forgeUncertaintyMs }: NamedRun,
  { offset }: Pick<StandingDeps, 'offset'>,
): number {
  return Math.max(forgeUncertaintyMs, offset.uncertaintyMs);
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

const MOST_REMEMBERED = 10_000;

/** For the life of the process: the id of a run is never given out again. */
export class DeletedRuns {
  readonly #ids = new Set<string>();

  has(runId: string): boolean {
    return this.#ids.has(runId);
  }

  add(runId: string): void {
    const [oldest] = this.#ids;
    if (this.#ids.size >= MOST_REMEMBERED && oldest !== undefined) this.#ids.delete(oldest);
    this.#ids.add(runId);
  }
}
