import type { ObservedRunner } from '../../domain/runner.ts';
import type { Yield } from '../../lib/yield.ts';
import { chunksOf } from '../chunks.ts';
import type { RunnerSync } from '../port/runners.ts';
import { toBool } from '../rows.ts';
import type { RunnerRow } from '../schema.ts';

/** What of a stored runner a listing is compared with. */
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
  | 'last_seen_at'
>;

export type SeenRunner = Omit<KnownRunner, 'id' | 'missed_passes' | 'observed_at' | 'last_seen_at'>;

/** What a listing changes. Rows that look as before are in none of these. */
export interface ListingDifference {
  readonly changed: readonly { readonly from: KnownRunner | undefined; readonly to: SeenRunner }[];
  /** Absent. It may just have slipped between two pages, but it is not free. */
  readonly missed: readonly KnownRunner[];
  /** Absent for the third time in a row, or for long. */
  readonly gone: readonly KnownRunner[];
}

const GONE_AFTER_LISTINGS = 3;

/** About a millisecond of comparing. */
const RUNNERS_PER_PIECE = 500;

/**
 * What was observed later than this listing was sent is left alone; of the same moment the listing wins. Lets others run
 * between its pieces.
 *
 * @param now our clock
 */
export async function compareWithListing(
  known: readonly KnownRunner[],
  listing: Pick<RunnerSync, 'runners' | 'sentAt' | 'unseenMs'> & { readonly now: number },
  yieldNow: Yield,
): Promise<ListingDifference> {
  const { runners, sentAt } = listing;
  if (runners === null) {
    const missing = known.filter((one) => one.observed_at <= sentAt && one.missed_passes > 0);
    return { changed: [], ...absentOf(missing, listing) };
  }
  // A list that moved between two pages names a runner twice: the later page is newer.
  const present = new Map<string, SeenRunner>();
  await inPieces(runners, yieldNow, (runner) => {
    present.set(runner.forgeRunnerId, seenRunnerOf(runner));
  });
  const changed: { from: KnownRunner | undefined; to: SeenRunner }[] = [];
  const unseen = new Map(present);
  const absent: KnownRunner[] = [];
  await inPieces(known, yieldNow, (from) => {
    const to = present.get(from.forge_runner_id);
    unseen.delete(from.forge_runner_id);
    if (to !== undefined && isNews(from, to, sentAt)) changed.push({ from, to });
    if (to === undefined && from.observed_at <= sentAt) absent.push(from);
  });
  for (const to of unseen.values()) changed.push({ from: undefined, to });
  return { changed, ...absentOf(absent, listing) };
}

/** One pass alone lets nobody go, however long ago the one before: a forge may show nothing for a moment. */
function absentOf(
  absent: readonly KnownRunner[],
  { unseenMs, now }: { readonly unseenMs: number; readonly now: number },
): Pick<ListingDifference, 'missed' | 'gone'> {
  const isGone = ({ missed_passes: missed, last_seen_at: seenAt }: KnownRunner): boolean =>
    missed + 1 >= GONE_AFTER_LISTINGS || (missed > 0 && now - seenAt > unseenMs);
  return {
    missed: absent.filter((runner) => !isGone(runner)),
    gone: absent.filter(isGone),
  };
}

async function inPieces<T>(
  items: readonly T[],
  yieldNow: Yield,
  take: (item: T) => void,
): Promise<void> {
  for (const piece of chunksOf(items, RUNNERS_PER_PIECE)) {
    for (const item of piece) take(item);
    await yieldNow();
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
