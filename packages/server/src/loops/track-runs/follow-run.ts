/** One attempt's run: what is asked of the forge about it, and what is recorded. */
import type { Attempt, Run } from '../../domain/attempt.ts';
import { isSameLogin } from '../../domain/correlation/window.ts';
import { repoKeyOf } from '../../domain/run-keys.ts';
import { type Forge, ForgeError } from '../../forge/forge.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Store } from '../../store/port/store.ts';
import type { GrowingPauses } from '../forge-limits/growing-pauses.ts';
import type { Asked, LimitPauses } from '../forge-limits/limit-pauses.ts';
import type { LoopContext } from '../leased-loop.ts';
import type { LogThrottle } from '../log-throttle.ts';
import type { WebhookFlow } from '../webhooks/webhook-flow.ts';
import type { GoneFor } from './gone-for.ts';

export interface FollowDeps {
  readonly forge: Forge;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly flow: WebhookFlow;
  /** A run that answers 404, or does not show up, counts as gone only when it still does so this much later. */
  readonly recheckAfterMs: number;
  /** A run that no runner takes for so long may ask for labels that none has: only its workflow jobs tell. */
  readonly pickupExpectedMs: number;
  /** Nothing of a queued run has started, so what it asks for stays the same: not a request for each tick. */
  readonly queuedRecheckMs: number;
  /** What nobody can see any more, the run of a cancelled job or one that is not known, takes up cap and runner no longer than this. */
  readonly unreadableRunMs: number;
  readonly goneFor: GoneFor;
  /** Whose queued runs were looked into, and when, on the monotonic clock. */
  readonly checkedAt: Map<string, number>;
  /** About repositories (`owner/repo`) and attempts (by id). */
  readonly logThrottle: LogThrottle;
  /** Of what is asked about runs and repositories. */
  readonly limits: LimitPauses;
  /** Attempts whose runner is free again while their run seems to go on. */
  readonly awaitingNextJob: ReadonlySet<string>;
}

export interface FollowOneDeps extends FollowDeps {
  /** Repositories, by their key, that could not be read when a run of theirs was asked for by its id. */
  readonly closedRepos: GrowingPauses;
}

export function askedOf(
  what: string,
  { id, ...place }: Pick<Attempt, 'id' | 'owner' | 'repo'>,
): Asked {
  return { what: `${what} of ${id}`, among: `${what} in ${repoKeyOf(place)}` };
}

/** As a repository answers that this credential cannot see. */
export function isClosed(error: unknown): boolean {
  return error instanceof ForgeError && (error.code === 'not-found' || error.code === 'no-access');
}

/** One attempt that fails must not keep the others from being followed. */
export async function followEach(
  { logger, logThrottle }: Pick<FollowDeps, 'logger' | 'logThrottle'>,
  attempts: readonly Attempt[],
  { mayGoOn }: LoopContext,
  take: (attempt: Attempt) => Promise<void>,
): Promise<void> {
  const taken = attempts.map(async (attempt) => {
    try {
      if (mayGoOn()) await take(attempt);
    } catch (error) {
      const level = logThrottle.levelOf(attempt.id, error);
      logger[level](
        { err: error, attemptId: attempt.id, runId: attempt.runId },
        'run not followed',
      );
    }
  });
  await Promise.all(taken);
}

/** Reads one run by its id, and takes what it shows. */
export async function followOne(
  deps: FollowOneDeps,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<void> {
  const { forge, logger, logThrottle, limits } = deps;
  const { owner, repo, runId } = attempt;
  if (runId === null) return;
  try {
    const read = () => forge.getRun(owner, repo, runId, signal);
    const seen = await limits.ask(askedOf('run', attempt), read);
    if (seen === undefined) return;
    const { run, forgeSentAt } = seen;
    logThrottle.over(attempt.id);
    deps.closedRepos.forget(repoKeyOf(attempt));
    await takeRun(deps, attempt, run, forgeSentAt, signal);
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    if (error.code === 'not-found') await noteGone(deps, attempt, runId, signal);
    else if (isClosed(error)) await noteClosed(deps, attempt);
    else {
      const level = logThrottle.levelOf(attempt.id, error);
      logger[level]({ err: error, attemptId: attempt.id, runId }, 'run not read');
    }
  }
}

/** The repository is closed to us: nothing is concluded about a known run, but nothing waits for ever for one that is not known. */
export async function noteUnreadable(deps: FollowDeps, attempt: Attempt): Promise<void> {
  const { logger, store, logThrottle } = deps;
  const { id, owner, repo, runId } = attempt;
  const what = runId === null ? 'a run that its answer did not name' : `run ${runId}`;
  const lost = `${what} cannot be read: access to ${owner}/${repo} is lost`;
  const ambiguous =
    `outcome-ambiguous: no answer named the run of its dispatch, and access to ${owner}/${repo} is lost: whether it ` +
    'started one cannot be told, so it is not sent again. Once the token has access again a run of its workflow that bears ' +
    'its id is cancelled; look for one that does not, and add the job again then, if its work was not done';
  const level = logThrottle.levelOf(id, lost);
  logger[level]({ owner, repo, attemptId: id, runId }, 'run not read: no access to its repository');
  await store.runs.recordRunUnreadable(id, unreadableGapMs(deps, attempt), { lost, ambiguous });
}

/** After a restart, too, it is not believed before it is seen so again for a while. */
export function unreadableGapMs(
  {
    goneFor,
    recheckAfterMs,
    unreadableRunMs,
  }: Pick<FollowDeps, 'goneFor' | 'recheckAfterMs' | 'unreadableRunMs'>,
  attempt: Attempt,
): number {
  const enoughMs = Math.min(recheckAfterMs, unreadableRunMs);
  return goneFor.note(attempt) >= enoughMs ? unreadableRunMs : Infinity;
}

async function noteClosed(deps: FollowOneDeps, attempt: Attempt): Promise<void> {
  const key = repoKeyOf(attempt);
  if (deps.closedRepos.isOver(key)) deps.closedRepos.noteInVain(key);
  await noteUnreadable(deps, attempt);
}

/** A 404 counts only when the same credential then reads the repository. */
async function noteGone(
  deps: FollowOneDeps,
  attempt: Attempt,
  runId: string,
  signal: AbortSignal,
): Promise<void> {
  const isReadable = await isRepoReadable(deps, attempt, signal);
  if (isReadable === undefined) return;
  if (!isReadable) {
    await noteClosed(deps, attempt);
    return;
  }
  const message =
    `run ${runId} was deleted on the forge: how it ended is not known; ` +
    'add the job again if its work was not done';
  const { goneFor, recheckAfterMs } = deps;
  const gapMs = goneFor.note(attempt) >= recheckAfterMs ? recheckAfterMs : Infinity;
  await deps.store.runs.recordRunGone(attempt.id, gapMs, message);
}

/**
 * @returns `undefined`: it is not asked for now, as it has met a limit
 * @throws ForgeError
 */
export function isRepoReadable(
  { forge, limits }: Pick<FollowDeps, 'forge' | 'limits'>,
  place: Pick<Attempt, 'owner' | 'repo'>,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const { owner, repo } = place;
  const what = `repository ${repoKeyOf(place)}`;
  return limits.ask({ what }, () => forge.canReadRepo(owner, repo, signal));
}

/** The runner's name is stored before the end of the run: the end closes the attempt. */
export async function takeRun(
  deps: FollowDeps,
  attempt: Attempt,
  run: Run,
  sentAt: number,
  signal: AbortSignal,
): Promise<void> {
  if (run.attempt > 1) {
    await takeFirstAttempt(deps, attempt, signal);
    return;
  }
  noteOurLogin(deps, attempt, run);
  if (needsWorkflowJobs(deps, attempt, run) || isQueuedTooLong(deps, attempt, run, sentAt)) {
    await takeWorkflowJobs(deps, attempt, run.id, signal);
  }
  if (isEndIncomplete(deps, run, sentAt)) return;
  const isNews = await deps.store.runs.recordRun(attempt.id, run, sentAt);
  if (isNews && run.status !== attempt.runStatus) await deps.flow.noteFound(sentAt - run.updatedAt);
}

/**
 * A run that a reply has named shows what we are called: not so that of a token which was replaced since, maybe by another
 * user's, nor one that was sent under an older login than the one we know.
 */
function noteOurLogin({ forge }: FollowDeps, attempt: Attempt, run: Run): void {
  const { budgetId, actor } = forge.credentialFor('dispatch');
  const isOfUs = attempt.budgetId === budgetId && isSameLogin(attempt.actor, actor);
  if (attempt.matchedBy !== 'reply' || !isOfUs || run.actor === '') return;
  if (!isSameLogin(run.actor, actor)) forge.noteActor(run.actor);
}

/** Completed, but as what comes a moment later: taken now, it would fail a job whose run has succeeded. */
function isEndIncomplete({ recheckAfterMs }: FollowDeps, run: Run, sentAt: number): boolean {
  const isHalf = run.status === 'completed' && run.conclusion === null;
  return isHalf && sentAt - run.updatedAt < recheckAfterMs;
}

/** It was re-run before we saw it end: how our attempt ended is asked for, what goes on now is nobody's job here. */
async function takeFirstAttempt(
  { forge, store, limits }: FollowDeps,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<void> {
  const { owner, repo, runId } = attempt;
  if (runId === null) return;
  const read = () => forge.getFirstAttempt(owner, repo, runId, signal);
  const seen = await limits.ask(askedOf('first attempt', attempt), read);
  if (seen !== undefined) await store.runs.recordRun(attempt.id, seen.run, seen.forgeSentAt);
}

/** Until its runner is known; and while more of its workflow jobs may be waiting for runners. */
function needsWorkflowJobs({ awaitingNextJob }: FollowDeps, attempt: Attempt, run: Run): boolean {
  const isRunning = run.status === 'in_progress';
  if (attempt.runnerId === null) return isRunning || run.status === 'completed';
  return isRunning && (attempt.holdEndedAt === null || awaitingNextJob.has(attempt.id));
}

/** Queued, and nobody takes it: what it asks for decides which runners are kept for it, and what its job is told. */
function isQueuedTooLong(
  { checkedAt, clock, pickupExpectedMs, queuedRecheckMs }: FollowDeps,
  attempt: Attempt,
  run: Run,
  sentAt: number,
): boolean {
  if (run.status !== 'queued') return false;
  if (sentAt - run.createdAt < pickupExpectedMs) return false;
  const now = clock.monotonic();
  if (now - (checkedAt.get(attempt.id) ?? -Infinity) < queuedRecheckMs) return false;
  checkedAt.set(attempt.id, now);
  return true;
}

export function forgetEnded(
  { checkedAt }: Pick<FollowDeps, 'checkedAt'>,
  live: readonly Attempt[],
): void {
  if (checkedAt.size === 0) return;
  const ids = new Set(live.map(({ id }) => id));
  for (const id of checkedAt.keys()) if (!ids.has(id)) checkedAt.delete(id);
}

/** Failing here costs the runner's name for now, never the run's own state. */
export async function takeWorkflowJobs(
  deps: FollowDeps,
  attempt: Attempt,
  runId: string,
  signal: AbortSignal,
): Promise<void> {
  const { owner, repo } = attempt;
  try {
    const read = () => deps.forge.listRunJobs(owner, repo, runId, signal);
    const seen = await deps.limits.ask(askedOf('workflow jobs', attempt), read);
    if (seen === undefined) return;
    await deps.store.runs.recordWorkflowJobs(attempt.id, seen.jobs, seen.forgeSentAt);
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    const level = deps.logThrottle.levelOf(attempt.id, error);
    deps.logger[level]({ err: error, attemptId: attempt.id, runId }, 'workflow jobs not read');
  }
}
