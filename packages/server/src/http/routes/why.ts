import { WhyWaiting, type WhyWaiting as WhyWire } from '@dispatchoor/api-contract';
import type { DispatchTarget } from '../../domain/job.ts';
import type { WhyWaiting as Why } from '../../domain/why-waiting/input.ts';
import { whyWaiting } from '../../domain/why-waiting/why-waiting.ts';
import type { WaitFacts } from '../../store/port/jobs.ts';
import type { HttpDeps } from '../deps.ts';
import { notFound } from '../errors.ts';
import type { HttpApp } from '../http-app.ts';
import { timeOrNull, timeToWire } from '../wire/time-to-wire.ts';
import { ById } from './params.ts';

type WhyDeps = Pick<HttpDeps, 'store' | 'clock' | 'options' | 'forgeStatus' | 'isDispatchEnabled'>;

export function whyRoutes(app: HttpApp, deps: WhyDeps): void {
  app.get(
    '/jobs/:id/why',
    { schema: { params: ById, response: { 200: WhyWaiting } } },
    async (request) => {
      const facts = await deps.store.jobs.findWaitFacts(request.params.id);
      if (facts === undefined) throw notFound('job');
      const why = explain(facts, deps);
      return why === undefined ? DOES_NOT_WAIT : whyToWire(why);
    },
  );
}

function explain(facts: WaitFacts, deps: WhyDeps): Why | undefined {
  return whyWaiting({
    ...facts,
    credential: dispatchCredential(deps),
    isDispatcherEnabled: deps.isDispatchEnabled(),
    pickupTimeoutMs: deps.options.pickupTimeoutMs,
    now: deps.clock.now(),
  });
}

function dispatchCredential({ forgeStatus }: WhyDeps) {
  const client = forgeStatus().find(({ use }) => use === 'dispatch');
  return {
    configKey: client?.configKey ?? '',
    isConfigured: client?.isConfigured ?? false,
    isConnected: client?.isConnected ?? false,
    blockedUntil: client?.rate.blockedUntil ?? null,
    error: client?.error ?? '',
  };
}

/** It runs or has ended. A 200, not a 404: who asks in a loop learns that there is nothing to wait for any more. */
const DOES_NOT_WAIT: WhyWire = {
  code: null,
  message: '',
  since: null,
  ahead: 0,
  free: 0,
  fitting: 0,
  held_by: [],
  retry_at: null,
  labels_missing: [],
  template_change: null,
  actions: [],
};

function whyToWire(why: Why): WhyWire {
  return {
    code: why.code,
    message: why.message,
    since: timeToWire(why.since),
    ahead: why.ahead,
    free: why.free,
    fitting: why.fitting,
    held_by: [...why.heldBy],
    retry_at: timeOrNull(why.retryAt),
    labels_missing: [...why.labelsMissing],
    template_change: changeToWire(why.templateChange),
    actions: why.templateChange === undefined ? [] : ['take-template'],
  };
}

function changeToWire(change: Why['templateChange']): WhyWire['template_change'] {
  if (change === undefined) return null;
  const { queued, now, inputs } = change;
  return { queued: targetToWire(queued), now: targetToWire(now), inputs: { ...inputs } };
}

function targetToWire({ owner, repo, workflowId, ref }: DispatchTarget) {
  return { owner, repo, workflow_id: workflowId, ref };
}
