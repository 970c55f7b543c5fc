import type { ObservedRunner } from '../domain/runner.ts';
import type { Breathe } from '../lib/turns.ts';
import { chunksOf } from './chunks.ts';
import type { RunnerPass } from './port/runners.ts';
import { toBool } from './rows.ts';
import type { RunnerRow } from './schema.ts';

/** What of a stored runner a pass is compared with. */
export type KnownRunner = Pick<
  RunnerRow,
  | 'id'
  | 'forge_runner_id'
  | 'name'
  | 'labels'
  | 'os'
  | 'status'
  | 'is_busy'
  | 'is_ephemeral'
  | 'observed_at'
  | 'missed_passes'
>;

export type SeenRunner = Omit<KnownRunner, 'id' | 'missed_passes' | 'observed_at'>;

/** What a pass changes. Rows that look as before are in none of these. */
export interface PassDifference {
  readonly changed: readonly { readonly from: KnownRunner | undefined; readonly to: SeenRunner }[];
  /** Absent for the first time. It may just have slipped between two pages, but it is not free. */
  readonly missed: readonly KnownRunner[];
  /** Absent for the second time in a row. */
  readonly gone: readonly KnownRunner[];
}

/** About a millisecond of comparing. */
const RUNNERS_PER_PIECE = 500;

/**
 * What was observed later than this pass was sent is left alone; of the same moment the pass wins. Lets others run
 * between its pieces.
 */
export async function compareWithPass(
  known: readonly KnownRunner[],
  { runners, sentAt, isComplete }: Pick<RunnerPass, 'runners' | 'sentAt' | 'isComplete'>,
  breathe: Breathe,
): Promise<PassDifference> {
  if (runners === null) {
    const isGone = (runner: KnownRunner): boolean =>
      runner.observed_at <= sentAt && runner.missed_passes > 0;
    const gone = isComplete ? known.filter(isGone) : [];
    return { changed: [], missed: [], gone };
  }
  // A list that moved between two pages names a runner twice: the later page is newer.
  const present = new Map<string, SeenRunner>();
  await inPieces(runners, breathe, (runner) => {
    present.set(runner.forgeRunnerId, seenRunnerOf(runner));
  });
  const changed: { from: KnownRunner | undefined; to: SeenRunner }[] = [];
  const unseen = new Map(present);
  const absent: KnownRunner[] = [];
  await inPieces(known, breathe, (from) => {
    const to = present.get(from.forge_runner_id);
    unseen.delete(from.forge_runner_id);
    if (to !== undefined && isNews(from, to, sentAt)) changed.push({ from, to });
    if (to === undefined && isComplete && from.observed_at <= sentAt) absent.push(from);
  });
  for (const to of unseen.values()) changed.push({ from: undefined, to });
  return {
    changed,
    missed: absent.filter((runner) => runner.missed_passes === 0),
    gone: absent.filter((runner) => runner.missed_passes > 0),
  };
}

async function inPieces<T>(
  items: readonly T[],
  breathe: Breathe,
  take: (item: T) => void,
): Promise<void> {
  for (const piece of chunksOf(items, RUNNERS_PER_PIECE)) {
    for (const item of piece) take(item);
    await breathe();
  }
}

function seenRunnerOf(runner: ObservedRunner): SeenRunner {
  return {
    forge_runner_id: runner.forgeRunnerId,
    name: runner.name,
    labels: JSON.stringify(runner.labels),
    os: runner.os,
    status: runner.status,
    is_busy: toBool(runner.isBusy),
    is_ephemeral: toBool(runner.isEphemeral ?? false),
  };
}

function isNews(from: KnownRunner, to: SeenRunner, sentAt: number): boolean {
  if (from.observed_at > sentAt) return false;
  return (
    from.missed_passes > 0 ||
    from.status !== to.status ||
    from.is_busy !== to.is_busy ||
    from.is_ephemeral !== to.is_ephemeral ||
    from.labels !== to.labels ||
    from.name !== to.name ||
    from.os !== to.os
  );
}
