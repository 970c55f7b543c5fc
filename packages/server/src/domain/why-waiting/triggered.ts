import type { Attempt } from '../attempt.ts';
import { isDisplaced, queuedSince } from '../displaced.ts';
import { labelsFit } from '../runner.ts';
import type { Cause, WaitInput } from './input.ts';
import { runnersFor } from './runners-for.ts';
import { sentence } from './sentence.ts';

/** A triggered job waits for its run to be known, or for its run to be picked up. `undefined`: the run is under way. */
export function findTriggeredCause(input: WaitInput): Cause | undefined {
  const { attempt } = input;
  if (attempt === undefined) return { code: 'placing', message: 'It is being sent to the forge.' };
  if (attempt.runId === null) return placingCause(attempt);
  switch (attempt.runStatus) {
    case 'in_progress':
    case 'completed':
      return undefined;
    case 'waiting':
      return {
        code: 'run-waiting',
        message: 'Its run waits on the forge for an approval: review it there.',
      };
    case 'pending':
    case 'requested':
      return {
        code: 'run-waiting',
        message: 'Its run waits on the forge for another run of its concurrency group to end.',
      };
    case 'queued':
    case null:
    default:
      return queuedCause(attempt, input);
  }
}

function placingCause({ state, errorMessage }: Attempt): Cause {
  if (state === 'claimed') return { code: 'placing', message: 'It is being sent to the forge.' };
  if (state === 'accepted') {
    return { code: 'placing', message: 'The forge has accepted it: its run is being looked for.' };
  }
  const what = 'It is not known yet whether the forge has started it: its run is being looked for';
  return { code: 'placing', message: sentence(what, errorMessage) };
}

function queuedCause(attempt: Attempt, input: WaitInput): Cause {
  const { now, pickupTimeoutMs } = input;
  const since = queuedSince(attempt);
  const { free } = runnersFor(input);
  if (now - since >= pickupTimeoutMs && free > 0) return notPickedUpCause(attempt, input, free);
  if (!isDisplaced(attempt, now, free > 0)) {
    return { code: 'placing', message: 'Its run is queued: a free runner is about to take it.' };
  }
  const message =
    'Its run is queued on the forge, but another job took the runner: it starts when one that fits is free.';
  return { code: 'displaced', message, since };
}

function notPickedUpCause(
  attempt: Attempt,
  { workflowJobs, group }: WaitInput,
  free: number,
): Cause {
  const queued = workflowJobs.filter(({ status }) => status === 'queued');
  const labels = [...new Set(queued.flatMap((job) => job.labels))].sort();
  const asked = labels.length > 0 ? labels.join(', ') : `runs-on of ${attempt.workflowId}`;
  return {
    code: 'not-picked-up',
    message: `Its run asks for ${asked}, and none of the ${free} free runners with ${attempt.labels.join(', ')} takes it: make the two agree.`,
    since: queuedSince(attempt),
    labelsMissing: labels.filter((label) => !labelsFit(attempt.labels, [label], group.labelCase)),
  };
}
