import { compareText } from '../text-order.ts';
import type { CandidateRun, SearchedAttempt } from './window.ts';

export interface NamedRuns {
  /** Run ids by the attempt whose id they bear. */
  readonly byAttempt: ReadonlyMap<string, string>;
  /** Those that bear no attempt's id. One with the id of another attempt is in neither: it is nobody's here. */
  readonly unnamed: readonly CandidateRun[];
}

/**
 * Ids are random enough that a run with one in its name has it from us, whenever it was made.
 *
 * @param knownIds of all attempts of the key: a run that bears the name of one is no other's
 */
export function matchByName(
  attempts: readonly Pick<SearchedAttempt, 'id'>[],
  runs: readonly CandidateRun[],
  knownIds: readonly string[],
): NamedRuns {
  const byAttempt = new Map<string, string>();
  const unnamed: CandidateRun[] = [];
  const wanted = new Set(attempts.map(({ id }) => id));
  const ids = [...new Set([...wanted, ...knownIds])].sort();
  for (const run of runs.toSorted(compareRuns)) {
    // A name may bear the id of what came before it, too: its own is the newest.
    const id = ids.findLast((one) => run.name.includes(one));
    // A second run of that name was started by somebody with a copy of the inputs: nobody's to adopt.
    if (id === undefined) unnamed.push(run);
    else if (wanted.has(id) && !byAttempt.has(id)) byAttempt.set(id, run.id);
  }
  return { byAttempt, unnamed };
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
