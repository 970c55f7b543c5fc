import type { Attempt } from '../../domain/attempt.ts';
import type { CandidateRun } from '../../domain/correlation/window.ts';
import { STAMP_STEP_MS } from '../../domain/stamp-step.ts';

/** More than anybody would look at; there may be thousands. */
const MOST_NAMED = 5;

/** What an operator has to look at, and what would have told the runs apart. */
export function ambiguousMessage(
  { state, forgeClaimedAt }: Pick<Attempt, 'state' | 'forgeClaimedAt'>,
  runs: readonly CandidateRun[],
): string {
  const names = runs
    .slice(0, MOST_NAMED)
    .map(({ id, url }) => (url === '' ? id : `${id} (${url})`));
  const more = runs.length > MOST_NAMED ? ` and ${runs.length - MOST_NAMED} more` : '';
  const named = names.join(', ') + more;
  const shown = runs.length === 1 ? `run ${named} may be` : `one of the runs ${named} may be`;
  const what = runs.length === 0 ? 'a run that the forge does not list may be' : shown;
  const answer =
    state === 'accepted'
      ? 'the forge answered its dispatch without naming the run'
      : 'the answer to its dispatch was lost';
  const isEarly = runs.some(({ createdAt }) => createdAt + STAMP_STEP_MS < forgeClaimedAt);
  const clocks = isEarly
    ? '. One is stamped before the job was sent: compare the forge’s clock with that of any proxy before it'
    : '';
  return (
    `outcome-ambiguous: ${answer}, and ${what} what it started, or somebody else's: ` +
    'it is not sent again. Look at the run, and add the job again if its work was not done. ' +
    'With correlation_input on the template and in the workflow’s run-name, runs are told apart' +
    clocks
  );
}
