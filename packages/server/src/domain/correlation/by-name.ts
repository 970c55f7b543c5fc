import { compareText } from '../text-order.ts';
import type { CandidateRun, SearchedAttempt } from './window.ts';

export interface NamedRuns {
  /** Run ids by the attempt whose id they bear. */
  readonly byAttempt: ReadonlyMap<string, string>;
  /** Those that bear no attempt's id. */
  readonly unnamed: readonly CandidateRun[];
  /**
   * Those that bear the id of an attempt which has its run: started with a copy of its inputs, by somebody, or by a job of
   * ours that hands the id on; and of one of another key. Nobody's to take, and it forbids to send again.
   */
  readonly copies: readonly CandidateRun[];
}

export interface KnownIds {
  /** Of attempts of the repository that may still get their run, of any key: a run that bears the id of one is its own. */
  readonly open: readonly string[];
  /** Of all others, and of those of another key: no run of this key that bears one is taken by its time. */
  readonly settled: readonly string[];
}

/**
 * Ids are random enough that a run with one in its name has it from us, whenever it was made. A name may bear the id of
 * what came before it, too: its own is that of an attempt without a run, and of several the newest.
 *
 * @param mayTake given those before it that bear no id; what it does not let be taken is a copy
 */
export function matchByName<A extends Pick<SearchedAttempt, 'id'>>(
  attempts: readonly A[],
  runs: readonly CandidateRun[],
  known: KnownIds,
  mayTake: (attempt: A, run: CandidateRun, unnamedBefore: readonly CandidateRun[]) => boolean,
): NamedRuns {
  const byAttempt = new Map<string, string>();
  const unnamed: CandidateRun[] = [];
  const copies: CandidateRun[] = [];
  const wanted = new Map(attempts.map((one) => [one.id, one]));
  const open = [...new Set([...wanted.keys(), ...known.open])].sort();
  for (const run of runs.toSorted(compareRuns)) {
    const bears = (id: string): boolean => run.name.includes(id);
    const id = open.findLast(bears);
    const attempt = wanted.get(id ?? '');
    if (id === undefined || known.settled.includes(id)) {
      (known.settled.some(bears) ? copies : unnamed).push(run);
    }
    // Those of others are left to them.
    else if (attempt === undefined) continue;
    // A second run of that name is a copy, too.
    else if (byAttempt.has(id) || !mayTake(attempt, run, unnamed)) copies.push(run);
    else byAttempt.set(id, run.id);
  }
  return { byAttempt, unnamed, copies };
}

/** As `uuidv7` writes them, which attempts are named by. */
const ATTEMPT_ID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;

/** What these runs bear in their names that may be ids of attempts. */
export function idsInNames(runs: readonly Pick<CandidateRun, 'name'>[]): string[] {
  return [...new Set(runs.flatMap(({ name }) => name.match(ATTEMPT_ID) ?? []))];
}

/** Run ids grow with time, also within the one second that creation times are stamped in. */
export function compareRuns(a: CandidateRun, b: CandidateRun): number {
  return a.createdAt - b.createdAt || a.id.length - b.id.length || compareText(a.id, b.id);
}
