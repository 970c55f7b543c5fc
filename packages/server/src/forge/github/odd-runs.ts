import type { Run } from '../../domain/attempt.ts';
import type { RunFilter } from '../forge.ts';
import type { OddEntry, Page } from './pages.ts';

/** GitHub's word for what starts the runs that are looked for. */
export const DISPATCHED = 'workflow_dispatch';

/**
 * Of the runs on these pages that cannot be read those that may be among the ones asked for: that there are no others
 * cannot be said then. What could be read of it may rule one out: another event, or a creation before the time asked for.
 * Ids grow, so one is that old also where a run with a higher id is.
 */
export function oddRunsMeant(
  pages: readonly Page<Run>[],
  { createdSince }: Pick<RunFilter, 'createdSince'>,
): OddEntry[] {
  const odd = pages.flatMap((page) => page.odd);
  if (odd.length === 0) return [];
  const old = pages
    .flatMap(({ entries }) => entries)
    .filter(({ createdAt }) => createdAt < createdSince);
  const newestOld = old.map(({ id }) => BigInt(id)).reduce((a, b) => (a > b ? a : b), 0n);
  return odd.filter(({ id, event, createdAt }) => {
    if (event !== '' && event !== DISPATCHED) return false;
    if (createdAt !== null) return createdAt >= createdSince;
    return id === '' || BigInt(id) > newestOld;
  });
}
