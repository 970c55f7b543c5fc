/** Runs that webhooks have reported and no listing shows: listings lag, for hours at times, while a run can be read by its id. */
import type { Attempt, Run } from '../../domain/attempt.ts';
import { compareRuns } from '../../domain/correlation/by-name.ts';
import { groupByKey, runsOfKey } from '../../domain/run-keys.ts';
import { type DateOffset, type Forge, ForgeError } from '../../forge/forge.ts';
import type { Store } from '../../store/port/store.ts';

/** At a look. */
const MOST_READ = 20;

export interface DeliveredDeps {
  readonly forge: Pick<Forge, 'getRun'>;
  readonly runs: Pick<Store['runs'], 'listOwnedRunIds'>;
  readonly webhooks: Pick<Store['webhooks'], 'listDeliveredRuns'>;
  readonly offset: DateOffset;
  readonly signal: AbortSignal;
}

interface Sought extends Pick<Attempt, 'forgeId' | 'owner' | 'repo'> {
  /** Those of this repository that look for their runs. */
  readonly attempts: readonly Attempt[];
  /** Older runs are none of theirs; on the forge's clock. */
  readonly createdSince: number;
  /** What listings show. */
  readonly shown: readonly Run[];
  /** Default: all. */
  readonly mostDeliveries?: number;
}

/**
 * Those that could matter to these attempts, by their workflow and ref or an id in their names, and that nobody owns. What
 * bears an id goes first, then what is newest.
 */
export async function listUnshown(deps: DeliveredDeps, sought: Sought): Promise<Run[]> {
  const { forgeId, attempts, createdSince } = sought;
  const delivered = await listDelivered(deps, sought);
  const shown = new Set(sought.shown.map(({ id }) => id));
  const recent = delivered.filter((run) => run.createdAt >= createdSince && !shown.has(run.id));
  const meant = new Set(groupByKey(attempts, recent).flatMap((group) => ofGroup(group, recent)));
  const left = recent.filter((run) => meant.has(run) || bearsIdOf(attempts, run));
  const owned = await deps.runs.listOwnedRunIds(
    forgeId,
    left.map(({ id }) => id),
  );
  const rankOf = (run: Run): number => (bearsIdOf(attempts, run) ? 0 : 1);
  return left
    .filter(({ id }) => !owned.has(id))
    .sort((a, b) => rankOf(a) - rankOf(b) || compareRuns(b, a));
}

function listDelivered(
  { webhooks, offset }: DeliveredDeps,
  { forgeId, owner, repo, createdSince, mostDeliveries }: Sought,
): Promise<Run[]> {
  // Nothing is reported before it happens.
  const receivedSince = Math.floor(createdSince - offset.offsetMs);
  return webhooks.listDeliveredRuns(forgeId, {
    ...{ owner, repo, receivedSince },
    ...(mostDeliveries !== undefined && { mostDeliveries }),
  });
}

function ofGroup([first]: readonly Attempt[], runs: readonly Run[]): Run[] {
  return first === undefined ? [] : runsOfKey(first, runs);
}

/** Of one of these. */
export function bearsIdOf(attempts: readonly Pick<Attempt, 'id'>[], { name }: Run): boolean {
  return attempts.some(({ id }) => name.includes(id));
}

/**
 * @returns the first so many as the forge shows them now; `areAll`: there are no more
 * @throws ForgeError
 */
export async function readUnshown(
  deps: DeliveredDeps,
  place: Pick<Attempt, 'owner' | 'repo'>,
  unshown: readonly Run[],
): Promise<{ readonly runs: readonly Run[]; readonly areAll: boolean }> {
  const runs: Run[] = [];
  for (const run of unshown.slice(0, MOST_READ)) runs.push(await readRun(deps, place, run));
  return { runs, areAll: unshown.length <= MOST_READ };
}

/** Deleted, or not to be read (yet): there was one, so its attempt did not start nothing. */
async function readRun(
  { forge, signal }: DeliveredDeps,
  { owner, repo }: Pick<Attempt, 'owner' | 'repo'>,
  delivered: Run,
): Promise<Run> {
  try {
    return (await forge.getRun(owner, repo, delivered.id, signal, 'lookup')).run;
  } catch (error) {
    const isHidden = error instanceof ForgeError && HIDDEN.has(error.code);
    if (isHidden) return delivered;
    throw error;
  }
}

const HIDDEN: ReadonlySet<ForgeError['code']> = new Set(['not-found', 'bad-reply']);
