import { type DispatchTarget, targetFields } from '../job.ts';
import type { TemplateChange } from '../template-change.ts';
import type { Cause, WaitInput, WhyWaiting } from './input.ts';
import { findPendingCause } from './pending.ts';
import { runnersFor } from './runners-for.ts';
import { findTriggeredCause } from './triggered.ts';

/** `undefined`: the job does not wait; it runs or has ended. */
export function whyWaiting(input: WaitInput): WhyWaiting | undefined {
  const { job } = input;
  if (job.state === 'pending') return explain(findPendingCause(input), input, job.createdAt);
  if (job.state !== 'triggered') return undefined;
  const since = input.attempt?.runCreatedAt ?? job.triggeredAt ?? job.createdAt;
  const cause = findTriggeredCause(input);
  return cause === undefined ? undefined : explain(cause, input, since);
}

function explain(cause: Cause, input: WaitInput, since: number): WhyWaiting {
  const { job, plan, ahead } = input;
  const { free, total: fitting } = runnersFor(input);
  return {
    code: cause.code,
    message: withChange(cause.message, input.templateChange),
    since: cause.since ?? since,
    ahead: job.state === 'pending' ? ahead : 0,
    free,
    fitting,
    heldBy: plan?.heldBy.filter((jobId) => jobId !== job.id) ?? [],
    retryAt: cause.retryAt ?? null,
    labelsMissing: cause.labelsMissing ?? plan?.labelsMissing ?? [],
    templateChange: input.templateChange,
  };
}

/** Beside the reason, whatever that is: the change may be what mends it. */
function withChange(message: string, change: TemplateChange | undefined): string {
  if (change === undefined) return message;
  const { queued, now } = change;
  const fields = targetFields.filter((field) => queued[field] !== now[field]);
  const changes = fields.map((field) => `${NAMES[field]} ${queued[field]} → ${now[field]}`);
  const what = changes.join(', ') || 'default inputs';
  return `${message} Its template has changed since it was queued (${what}): it keeps what it was queued with, unless you let it take the new one.`;
}

const NAMES: Readonly<Record<keyof DispatchTarget, string>> = {
  owner: 'owner',
  repo: 'repo',
  workflowId: 'workflow',
  ref: 'ref',
};
