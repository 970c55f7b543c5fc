const FIRST_MS = 15 * 60_000;

/**
 * Who leaves free runners alone for a job that waits to have several at once, by how long it has been queued.
 *
 * Narrow jobs take each runner as it comes free, so for a start those behind it in its group wait. Jobs of other groups
 * go on meanwhile: mostly enough runners come free soon. Where they do not, its group would wait for ever, and so would
 * the job: from then on all jobs that compete after it wait, and nobody does, in turns that double. Some turn is long enough for
 * every run that is under way to end; and where runners are taken by what is not started here, the others
 * still go on in every second one.
 */
export function patienceOf(queuedMs: number): 'group' | 'all' | 'nobody' {
  if (queuedMs < FIRST_MS) return 'group';
  return Math.floor(Math.log2(queuedMs / FIRST_MS)) % 2 === 0 ? 'all' : 'nobody';
}
