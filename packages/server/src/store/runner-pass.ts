import type { ObservedRunner } from '../domain/runner.ts';
import { toBool } from './rows.ts';
import type { RunnerRow } from './schema.ts';
import type { RunnerPass } from './store.ts';

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

/** Pure. What was observed later than this pass was sent is left alone. */
export function compareWithPass(
  known: readonly KnownRunner[],
  { runners, sentAt, isComplete }: Pick<RunnerPass, 'runners' | 'sentAt' | 'isComplete'>,
): PassDifference {
  const older = known.filter((runner) => runner.observed_at < sentAt);
  if (runners === null) {
    const gone = isComplete ? older.filter((runner) => runner.missed_passes > 0) : [];
    return { changed: [], missed: [], gone };
  }
  // A list that moved between two pages names a runner twice: the later page is newer.
  const present = new Map(runners.map((runner) => [runner.forgeRunnerId, seenRunnerOf(runner)]));
  const byForgeId = new Map(known.map((runner) => [runner.forge_runner_id, runner]));
  const changed = [...present.values()]
    .map((to) => ({ from: byForgeId.get(to.forge_runner_id), to }))
    .filter(({ from, to }) => from === undefined || isNews(from, to, sentAt));
  const absent = isComplete ? older.filter(({ forge_runner_id: id }) => !present.has(id)) : [];
  return {
    changed,
    missed: absent.filter((runner) => runner.missed_passes === 0),
    gone: absent.filter((runner) => runner.missed_passes > 0),
  };
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
  if (from.observed_at >= sentAt) return false;
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
