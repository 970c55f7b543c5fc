import type { Attempt } from '../../domain/attempt.ts';
import { LONGEST_BACKOFF_MS } from '../../domain/job.ts';
import type { TargetPauses, TargetVerdict } from '../../domain/target-block.ts';
import { type DispatchAccepted, type Forge, ForgeError } from '../../forge/forge.ts';
import type { Clock, Deadline } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Claim, RefusedOutcome } from '../../store/port/dispatch.ts';
import type { Store } from '../../store/port/store.ts';
import { limitedForMs } from '../forge-limits/limited-for.ts';
import type { CredentialBreaker } from './credential-breaker.ts';
import type { MissingFor } from './missing-for.ts';
import { untilStored } from './until-stored.ts';

export interface SendDeps {
  readonly forge: Forge;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly breaker: CredentialBreaker;
  /** How long nothing but a probe goes to where an answer speaks against. */
  readonly pauses: TargetPauses;
  /** A transient failure that surely started nothing puts this job off; pause and breaker look after the rest. */
  readonly retryMs: number;
  readonly missingFor: Pick<MissingFor, 'note' | 'forget'>;
}

/**
 * Sends one claim and records what came of it on the attempt, whatever has become of the job meanwhile.
 * Never throws. If this process dies in between, the claim expires into `unknown` and is resolved by its run.
 *
 * @param signal shutdown: nothing new is sent; a request under way is waited for
 */
export async function sendAttempt(
  deps: SendDeps,
  claim: Claim,
  deadline: Deadline,
  signal: AbortSignal,
): Promise<void> {
  const { attempt } = claim;
  const { pauses } = deps;
  const sent = await send(deps, claim, deadline, signal);
  await untilStored(deps, 'outcome of a dispatch', signal, async () => {
    if (!(sent instanceof Failure)) {
      await deps.store.dispatch.recordAccepted(attempt.id, sent);
      return;
    }
    const { error, ofTarget } = sent;
    if (error.acted === 'unknown') {
      const word = { verdict: ofTarget.verdict, pauses };
      await deps.store.dispatch.recordUnknown(attempt.id, error.message, word);
    } else if (error.code === 'not-sent') {
      await deps.store.dispatch.giveBack(attempt.id, error.message);
    } else {
      const outcome = await refusal(deps, attempt, sent, signal);
      await deps.store.dispatch.recordRefused(attempt.id, { pauses, ...outcome });
    }
  });
}

/** What a failure that is no refusal says of the workflow. */
interface OfTarget {
  /** `failing`: the forge was reached. */
  readonly verdict: 'failing' | 'none';
  /** Not one of the whole forge, as far as is known. */
  readonly isOwn: boolean;
}

const NOT_OF_TARGET: OfTarget = { verdict: 'none', isOwn: false };

class Failure {
  readonly error: ForgeError;
  readonly ofTarget: OfTarget;

  constructor(error: ForgeError, ofTarget: OfTarget) {
    this.error = error;
    this.ofTarget = ofTarget;
  }
}

async function send(
  deps: SendDeps,
  { attempt, inputs }: Claim,
  deadline: Deadline,
  signal: AbortSignal,
): Promise<DispatchAccepted | Failure> {
  const { forge, breaker, logger, missingFor } = deps;
  breaker.start();
  try {
    const { owner, repo, workflowId, ref } = attempt;
    const maySend = (): boolean => !deadline.isOver() && !signal.aborted;
    // The signal is not handed on: a dispatch cut off half-way would be one more unknown attempt.
    const never = new AbortController().signal;
    const accepted = await forge.dispatch({ owner, repo, workflowId, ref, inputs, maySend }, never);
    breaker.accept(attempt);
    missingFor.forget(attempt);
    return accepted;
  } catch (error) {
    const failure = asForgeError(error);
    // A fault of ours is logged itself, stack and all: wrapped, it would look like one of the forge's.
    const level = failure === error ? 'warn' : 'error';
    logger[level]({ err: error, attemptId: attempt.id, jobId: attempt.jobId }, 'dispatch failed');
    return new Failure(failure, settleBreaker(breaker, attempt, failure));
  }
}

function asForgeError(error: unknown): ForgeError {
  if (error instanceof ForgeError) return error;
  return new ForgeError('the dispatch failed inside dispatchoor', {
    code: 'bad-reply',
    acted: 'unknown',
    cause: error,
  });
}

/**
 * Also while all workflows fail each has its pause: the next probe is for another one, and finds out whether that works. Once
 * one does, they are all tried again (`releaseFailing`).
 */
function settleBreaker(
  breaker: CredentialBreaker,
  attempt: Attempt,
  failure: ForgeError,
): OfTarget {
  if (failure.code === 'unavailable' || failure.code === 'bad-reply') {
    const wasReached = failure.acted === 'unknown' || failure.isAnswered;
    if (wasReached) return { verdict: 'failing', isOwn: breaker.fail(attempt) };
    breaker.failToReach();
  } else if (!failure.isAnswered) breaker.skip();
  else if (failure.code === 'rate-limited') {
    return { verdict: 'failing', isOwn: breaker.limit(attempt) };
  } else breaker.succeed(attempt);
  return NOT_OF_TARGET;
}

/** `pauses`: other than usual. */
type Outcome = Omit<RefusedOutcome, 'pauses'> & Partial<Pick<RefusedOutcome, 'pauses'>>;

/** What a refusal that surely started nothing means for the job and for those that go where it went. */
async function refusal(
  deps: SendDeps,
  attempt: Attempt,
  { error, ofTarget }: Failure,
  signal: AbortSignal,
): Promise<Outcome> {
  const { message } = error;
  const stays = (verdict: TargetVerdict, isOwnFailure = verdict === 'failing'): Outcome => ({
    ...{ then: 'retry', notBefore: null, message, verdict, isOwnFailure },
  });
  switch (error.code) {
    case 'invalid':
      return { ...stays('template-broken'), then: 'fail' };
    case 'invalid-inputs':
      return wrongInputs(attempt, error);
    case 'disabled':
      return stays('workflow-disabled');
    case 'archived':
    case 'no-access':
      return stays(error.code);
    case 'not-found':
      return notFound(deps, attempt, message, signal);
    case 'rate-limited':
      // A limit that is this workflow's alone stops all others as well: kept first, it would meet it again and again.
      return {
        ...stays(ofTarget.verdict, false),
        ...afterLimit(deps, error, ofTarget.isOwn),
        notBefore: limitedUntil(deps, attempt, error),
      };
    case 'auth':
      return refusedCredential(deps, message, signal);
    case 'conflict':
      return { ...stays('failing'), notBefore: deps.clock.now() + deps.retryMs };
    case 'unavailable':
    case 'bad-reply':
    case 'not-sent':
      return {
        ...stays(ofTarget.verdict, ofTarget.isOwn),
        notBefore: deps.clock.now() + deps.retryMs,
      };
  }
}

/**
 * Mostly the credential is stopped, not the job: it keeps its place. A limit beside the main one stops nothing else: kept first, the
 * job would be sent again and again, before all others.
 */
function limitedUntil(
  { forge, clock }: SendDeps,
  { owner }: Attempt,
  { retryAt }: ForgeError,
): number | null {
  if (retryAt === undefined || forge.credentialFor('dispatch', owner).rate.blockedUntil !== null)
    return null;
  return Math.min(retryAt, clock.now() + LONGEST_BACKOFF_MS);
}

/**
 * A pause that began with the answer would be over when the limit is: then as well what met it would be the first to meet it again.
 *
 * @param isOwn others have nothing to do with it, and yet it stops them each time: that is to become rare
 */
function afterLimit({ pauses, clock }: SendDeps, error: unknown, isOwn = false): Partial<Outcome> {
  const limitedMs = Math.min(limitedForMs(error, clock) ?? 0, LONGEST_BACKOFF_MS);
  // As long as the stop: where it is one of its own now and then, half of the time is the others'.
  const firstFailureMs = Math.max(pauses.firstFailureMs, isOwn ? limitedMs : 0) + limitedMs;
  const longestMs = Math.max(pauses.longestFailureMs, isOwn ? LONGEST_BACKOFF_MS : 0);
  const longestFailureMs = longestMs + limitedMs;
  return { pauses: { ...pauses, firstFailureMs, longestFailureMs } };
}

/** The job's own fault, unless it is the input that its template has us fill. */
function wrongInputs({ correlationInput }: Attempt, { message, inputs }: ForgeError): Outcome {
  const fails = { then: 'fail', notBefore: null, isOwnFailure: false } as const;
  if (correlationInput === null || !inputs.includes(correlationInput)) {
    return { ...fails, message, verdict: 'works' };
  }
  const advice = `${correlationInput} is the template's correlation_input: declare it as an input of the workflow, or take the key away`;
  return { ...fails, message: `${message}; ${advice}`, verdict: 'template-broken' };
}

/**
 * A 404 counts only when the same credential then reads the repository, and when it repeats; else the credential has lost
 * access, and the job stays.
 */
async function notFound(
  deps: SendDeps,
  attempt: Attempt,
  message: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const { owner, repo } = attempt;
  const shared = { notBefore: null, message, isOwnFailure: false };
  try {
    if (await deps.forge.canReadRepo(owner, repo, signal)) {
      const isTooSoon = deps.missingFor.note(attempt) < deps.pauses.recheckMs;
      return { ...shared, then: 'fail-if-repeated', verdict: 'not-found', isTooSoon };
    }
    return { ...shared, then: 'retry', verdict: 'no-access' };
  } catch (error) {
    deps.logger.warn({ err: error, owner, repo }, 'access to repository not checked');
    // Tied to this workflow all the same: its jobs would take turns for ever, at the cost of all others.
    const notBefore = deps.clock.now() + deps.retryMs;
    const failing = { then: 'retry', verdict: 'failing', isOwnFailure: true } as const;
    const isOwnLimit = limitedForMs(error, deps.clock) !== undefined && deps.breaker.limit(attempt);
    return { ...failing, notBefore, message, ...afterLimit(deps, error, isOwnLimit) };
  }
}

/**
 * Whether the credential works is asked at once: what stands before the forge may refuse this one request so. Taken for the
 * credential's fault it would stop all, and be the first to be tried again, for ever. Where nobody can say, it is this workflow that
 * pauses: else it would be sent again and again, before all others.
 */
async function refusedCredential(
  { forge, clock, logger, retryMs }: SendDeps,
  message: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const stays = { then: 'retry', message } as const;
  const failing = { ...stays, verdict: 'failing', isOwnFailure: true } as const;
  try {
    await forge.refreshActor(signal);
    return { ...failing, notBefore: null };
  } catch (error) {
    const isRefused = error instanceof ForgeError && error.code === 'auth';
    logger.warn({ err: error }, isRefused ? 'credential refused' : 'credential not checked');
    if (!isRefused) return { ...failing, notBefore: clock.now() + retryMs };
    return { ...stays, verdict: 'none', isOwnFailure: false, notBefore: null };
  }
}
