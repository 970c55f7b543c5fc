import { type DispatchAccepted, type Forge, ForgeError } from '../forge/forge.ts';
import type { Breaker } from '../lib/breaker.ts';
import type { Clock, Deadline } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Claim, RefusedOutcome } from '../store/port/dispatch.ts';
import type { Store } from '../store/port/store.ts';
import { untilStored } from './until-stored.ts';

export interface SendDeps {
  readonly forge: Forge;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly breaker: Breaker;
  /** A job whose target was refused is asked again this often, one at a time. */
  readonly probeMs: number;
  /** A transient failure that surely started nothing puts only this job off; the breaker looks after the rest. */
  readonly retryMs: number;
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
  const sent = await send(deps, claim, deadline, signal);
  await untilStored(deps, 'outcome of a dispatch', signal, async () => {
    if (!(sent instanceof ForgeError)) {
      await deps.store.dispatch.recordAccepted(attempt.id, sent);
    } else if (sent.acted === 'unknown') {
      await deps.store.dispatch.recordUnknown(attempt.id, sent.message);
    } else if (sent.code === 'not-sent') {
      await deps.store.dispatch.giveBack(attempt.id, sent.message);
    } else {
      const outcome = await refusal(deps, claim, sent, signal);
      await deps.store.dispatch.recordRefused(attempt.id, outcome);
    }
  });
}

async function send(
  deps: SendDeps,
  { attempt, inputs }: Claim,
  deadline: Deadline,
  signal: AbortSignal,
): Promise<DispatchAccepted | ForgeError> {
  const { forge, breaker, logger } = deps;
  breaker.start();
  try {
    const { owner, repo, workflowId, ref } = attempt;
    const maySend = (): boolean => !deadline.isOver() && !signal.aborted;
    // The signal is not handed on: a dispatch cut off half-way would be one more unknown attempt.
    const never = new AbortController().signal;
    const accepted = await forge.dispatch({ owner, repo, workflowId, ref, inputs, maySend }, never);
    breaker.succeed();
    return accepted;
  } catch (error) {
    const failure = asForgeError(error);
    settleBreaker(breaker, failure);
    // A fault of ours is logged itself, stack and all: wrapped, it would look like one of the forge's.
    const level = failure === error ? 'warn' : 'error';
    logger[level]({ err: error, attemptId: attempt.id, jobId: attempt.jobId }, 'dispatch failed');
    return failure;
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

function settleBreaker(breaker: Breaker, failure: ForgeError): void {
  if (failure.code === 'unavailable' || failure.code === 'bad-reply') breaker.fail();
  else if (failure.code === 'not-sent') breaker.skip();
  else breaker.succeed();
}

/** What a refusal that surely started nothing means for the job. */
async function refusal(
  deps: SendDeps,
  { attempt }: Claim,
  error: ForgeError,
  signal: AbortSignal,
): Promise<RefusedOutcome> {
  const { probeMs } = deps;
  const base = { message: error.message, notBefore: null, probeMs };
  const now = deps.clock.now();
  switch (error.code) {
    case 'invalid':
      return { ...base, then: 'fail', isTargetFault: true };
    case 'no-access':
      return { ...base, then: 'no-access', isTargetFault: false };
    case 'not-found':
      return notFound(deps, attempt.owner, attempt.repo, base, signal);
    case 'auth':
    case 'rate-limited':
      // The credential is stopped, not the job: it keeps its place.
      return { ...base, then: 'retry', isTargetFault: false };
    case 'conflict':
    case 'unavailable':
    case 'bad-reply':
    case 'not-sent':
      return { ...base, then: 'retry', notBefore: now + deps.retryMs, isTargetFault: false };
  }
}

/** A 404 counts only when the same credential then reads the repository; else it has lost access, and the job stays. */
async function notFound(
  deps: SendDeps,
  owner: string,
  repo: string,
  base: Pick<RefusedOutcome, 'message' | 'notBefore' | 'probeMs'>,
  signal: AbortSignal,
): Promise<RefusedOutcome> {
  try {
    if (await deps.forge.canReadRepo(owner, repo, signal)) {
      return { ...base, then: 'fail', isTargetFault: true };
    }
    return { ...base, then: 'no-access', isTargetFault: false };
  } catch (error) {
    deps.logger.warn({ err: error, owner, repo }, 'access to repository not checked');
    const notBefore = deps.clock.now() + deps.retryMs;
    return { ...base, then: 'retry', notBefore, isTargetFault: false };
  }
}
