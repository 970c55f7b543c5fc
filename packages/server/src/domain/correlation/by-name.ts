import { compareText } from '../text-order.ts';
import type { CandidateRun, SearchedAttempt } from './window.ts';

export interface NamedRuns {
  /** Run ids by the attempt whose id they bear. */
  readonly byAttempt: ReadonlyMap<string, string>;
  /** Those that bear no attempt's id. */
  readonly unnamed: readonly CandidateRun[];
  /**
   * Those that bear the id of an attempt which has its run: started with a copy of its inputs, by somebody, or by a job of
   * ours that hands the id on. Nobody's to take, and it forbids to send again.
   */
  readonly copies: readonly CandidateRun[];
}

export interface KnownIds {
  /** Of attempts that may still get their run: a run that bears the id of one is its own. */
  readonly open: readonly string[];
  /** Of all others. */
  readonly settled: readonly string[];
}

/**
 * Ids are random enough that a run with one in its name has it from us, whenever it was made. A name may bear the id of
 * what came before it, too: its own is that of an attempt without a run, and of several the newest.
 */
export function matchByName(
  attempts: readonly Pick<SearchedAttempt, 'id'>[],
  runs: readonly CandidateRun[],
  known: KnownIds,
): NamedRuns {
  const byAttempt = new Map<string, string>();
  const unnamed: CandidateRun[] = [];
  const copies: CandidateRun[] = [];
  const wanted = new Set(attempts.map(({ id }) => id));
  const open = [...new Set([...wanted, ...known.open])].sort();
  for (const run of runs.toSorted(compareRuns)) {
    const bears = (id: string): boolean => run.name.includes(id);
    const id = open.findLast(bears);
    if (id === undefined) (known.settled.some(bears) ? copies : unnamed).push(run);
    // A second run of that name is a copy, too.
    else if (byAttempt.has(id)) copies.push(run);
    // Those of others are left to them.
    else if (wanted.has(id)) byAttempt.set(id, run.id);
  }
  return { byAttempt, unnamed, copies };
}

/** As `uuidv7` writes them, which attempts are named by. */
const ATTEMPT_ID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;

/** What these runs bear in their names that may be ids of attempts. */
export function idsInNames(runs: readonly Pick<CandidateRun, 'name'>[]): string[] {
  return [...new Set(runs.flatMap(({ name }) => name.match(ATTEMPT_ID) ?? []))];
}

/** Run ids grow with time, also within the one second that creation times are told in. */
export function compareRuns(a: CandidateRun, b: CandidateRun): number {
  return a.createdAt - b.createdAt || a.id.length - b.id.length || compareText(a.id, b.id);
}
