import type { GroupPlan } from '../dispatch-state.ts';
import { scopeCovers } from '../runner.ts';
import { findBlock, findPassingBlock, findTurn } from './blocks.ts';
import type { Cause, WaitInput } from './input.ts';
import { runnersFor } from './runners-for.ts';
import { sentence } from './sentence.ts';

type FindCause = (input: WaitInput) => Cause | undefined;

/**
 * In the order in which they are shown: several can be true at once, and the first is shown. What somebody has
 * decided comes first, then what stays so until somebody acts, from the narrowest object to the widest; what passes
 * by itself comes last. A used-up rate limit also makes the runners stale: the cause is shown, not its effect.
 *
 * | who ends it | codes, in order |
 * |---|---|
 * | whoever decided it | job-paused, group-disabled, group-paused, dispatch-disabled |
 * | somebody who mends it | no-access, repository-archived, workflow-disabled, template-broken, forge-unavailable (credential), stale-runners (never listed), no-runner-matches, all-offline, (rate-limited) stale-runners |
 * | time | backoff (also of a workflow that was not found), forge-unavailable (one workflow), rate-limited (by the plan), forge-unavailable (the forge), cap |
 * | other jobs | outcome-pending, held, all-busy |
 * | the next plan | forge-unavailable (its turn among what failed), placing |
 */
const PENDING_CAUSES: readonly FindCause[] = [
  findJobPause,
  findGroupStop,
  findDispatchSwitch,
  findBlock,
  findCredentialFault,
  findUnlisted,
  findUnmatched,
  findOffline,
  findRateLimit,
  findStale,
  findBackoff,
  findPassingBlock,
  findPlanLimit,
  findUnsettled,
  findTaken,
];

export function findPendingCause(input: WaitInput): Cause {
  for (const find of PENDING_CAUSES) {
    const cause = find(input);
    if (cause !== undefined) return cause;
  }
  return findQueuedBehind(input) ?? findTurn(input) ?? NOTHING;
}

const NOTHING: Cause = {
  code: 'placing',
  message: 'Nothing stops it: the next plan will send it.',
};

/** Equal to the one in doubt, it could go: but it would keep the doubt alive, and the other before it waiting. */
function findQueuedBehind({ plan }: WaitInput): Cause | undefined {
  if (plan?.limit !== 'outcome-pending') return undefined;
  const what = 'A job before it waits for the outcome of another, and is not overtaken';
  return { code: 'outcome-pending', message: sentence(what, plan.limitMessage) };
}

function findJobPause({ job }: WaitInput): Cause | undefined {
  if (!job.isPaused) return undefined;
  return { code: 'job-paused', message: 'The job is paused: resume it to let it start.' };
}

function findGroupStop({ group }: WaitInput): Cause | undefined {
  if (!group.isEnabled) {
    const message = `Group ${group.name} has left the configuration: put it back, or delete the job.`;
    return { code: 'group-disabled', message };
  }
  if (!group.isPaused) return undefined;
  const message = `Group ${group.name} is paused: resume it to let its jobs start.`;
  return { code: 'group-paused', message };
}

function findDispatchSwitch({ isDispatcherEnabled }: WaitInput): Cause | undefined {
  if (isDispatcherEnabled) return undefined;
  const message = 'Dispatching is switched off: set dispatcher.enabled to true and restart.';
  return { code: 'dispatch-disabled', message };
}

function findCredentialFault({ credential, now }: WaitInput): Cause | undefined {
  if (!credential.isConfigured) {
    const message = `No credential is configured to dispatch with: set ${credential.configKey}.`;
    return { code: 'forge-unavailable', message };
  }
  const { isConnected, error, blockedUntil } = credential;
  if (isConnected) return undefined;
  // Nothing may be asked before then, not even whether it works: the limit is the reason.
  if (error === '' && blockedUntil !== null && blockedUntil > now) return undefined;
  const what = 'The forge cannot be used with this credential: check the token and the connection';
  return { code: 'forge-unavailable', message: sentence(what, error) };
}

/** "No runner matches" would send people to look for labels when it is the token that sees no runners. */
function findUnlisted(input: WaitInput): Cause | undefined {
  const { target, listings, plan } = input;
  if (plan === undefined || runnersFor(input).total > 0) return undefined;
  const serving = listings.filter(({ scope }) => scopeCovers(scope, target.owner, target.repo));
  const failed = serving.find(({ error }) => error !== '');
  if (failed !== undefined) {
    const what = `The runners of ${failed.scope} could not be listed: check the runners credential`;
    return { code: 'stale-runners', message: sentence(what, failed.error), labelsMissing: [] };
  }
  if (listings.length > 0 && serving.every(({ isListed }) => isListed)) return undefined;
  const message = 'The runners have not been listed yet: that happens within one poll_interval.';
  return { code: 'stale-runners', message, labelsMissing: [] };
}

function findUnmatched(input: WaitInput): Cause | undefined {
  const { plan, target, group } = input;
  if (plan === undefined) return undefined;
  const code = 'no-runner-matches';
  if (plan.labelsMissing.length > 0) {
    const missing = plan.labelsMissing.join(', ');
    const message = `No runner has the labels this group asks for: add a runner with ${missing}, or change runner_labels.`;
    return { code, message };
  }
  if (runnersFor(input).total > 0) return undefined;
  const labels = group.runnerLabels.join(', ') || 'any labels';
  const message = `No runner with ${labels} serves ${target.owner}/${target.repo}: add one there, or widen runner_scopes.`;
  return { code, message };
}

function findOffline(input: WaitInput): Cause | undefined {
  const { online, total } = runnersFor(input);
  if (input.plan === undefined || online > 0) return undefined;
  return {
    code: 'all-offline',
    message: `All runners that fit (${total}) are offline: start one.`,
  };
}

function findStale(input: WaitInput): Cause | undefined {
  if (input.plan === undefined || runnersFor(input).isFresh) return undefined;
  const message =
    'The runners that fit have not been listed lately: check the runners credential and its rate limit.';
  return { code: 'stale-runners', message };
}

function findBackoff({ job, now }: WaitInput): Cause | undefined {
  if (job.notBefore === null || job.notBefore <= now) return undefined;
  const what =
    'It waits a while after a failure or a cancel by the forge, and then starts by itself';
  return { code: 'backoff', message: sentence(what, job.errorMessage), retryAt: job.notBefore };
}

function findRateLimit({ credential, now }: WaitInput): Cause | undefined {
  const { blockedUntil } = credential;
  if (blockedUntil === null || blockedUntil <= now) return undefined;
  const message =
    'The rate limit of the credential is used up: it goes on once the forge allows it.';
  return { code: 'rate-limited', message, retryAt: blockedUntil };
}

const LIMITS: Readonly<
  Record<Exclude<GroupPlan['limit'], 'runners' | 'outcome-pending' | null>, string>
> = {
  cap: 'The group runs as many jobs as max_parallel allows: wait for one to end, or raise it',
  'rate-limited': 'The credential may start no more runs for now: it goes on by itself',
  'forge-unavailable': 'The forge does not answer: it goes on once it does',
};

function findPlanLimit({ plan }: WaitInput): Cause | undefined {
  if (plan === undefined || plan.limit === null || plan.limit === 'runners') return undefined;
  // Not of every job of the group: see `findUnsettled`.
  if (plan.limit === 'outcome-pending') return undefined;
  const message = sentence(LIMITS[plan.limit], plan.limitMessage);
  return { code: plan.limit, message, retryAt: plan.retryAt };
}

function findUnsettled({ doubt, target }: WaitInput): Cause | undefined {
  if (doubt === undefined) return undefined;
  const message =
    `Job ${doubt.jobId} was sent to ${target.workflowId} with other inputs, and its run is not known yet: ` +
    'this one goes on when it is. With correlation_input on the template and in the workflow’s run-name none has to wait for another.';
  return { code: 'outcome-pending', message, since: doubt.claimedAt };
}

/** A job can wait for runners of its repository while the group's other jobs go on: its own counts decide. */
function findTaken(input: WaitInput): Cause | undefined {
  const { plan, ahead } = input;
  if (plan === undefined) return undefined;
  const { free, left, online } = runnersFor(input);
  // Set where a job needs several runners at once: it, and those behind it, wait beside a free one.
  const isWide = plan.limit === 'runners' && plan.limitMessage !== '';
  if (left > 0 && !isWide) return undefined;
  // The free ones are kept for this very job until there are enough.
  const isKept = isWide && plan.heldBy.includes(input.job.id);
  if (free === 0 || isKept || (left > 0 && ahead === 0)) {
    const what = `${online - free} of ${online} online runners that fit are busy: wait for one, or add runners`;
    return { code: 'all-busy', message: sentence(what, plan.limitMessage) };
  }
  const what = `Other jobs are about to take the free runners that fit (${free}): wait, or raise the priority`;
  return { code: 'held', message: sentence(what, plan.limitMessage) };
}
