import type { Attempt, Run, WorkflowJob } from './attempt.ts';

export const CLAIMED_AT = 1_700_000_000_000;

export function attempt(id: string, over: Partial<Attempt> = {}): Attempt {
  const claimedAt = over.claimedAt ?? CLAIMED_AT;
  return {
    id,
    jobId: `job of ${id}`,
    groupId: 'g',
    forgeId: 'github',
    credentialId: 'token',
    budgetId: 'token/1',
    actor: 'bot',
    owner: 'acme',
    repo: 'app',
    workflowId: 'ci.yml',
    ref: 'main',
    inputsHash: '',
    correlationInput: null,
    isNamed: false,
    state: 'unknown',
    claimedAt,
    sendDeadline: claimedAt + 5_000,
    forgeClaimedAt: claimedAt,
    forgeSendDeadline: claimedAt + 5_000,
    forgeUncertaintyMs: 0,
    runners: 1,
    labels: ['linux'],
    runId: null,
    runUrl: '',
    matchedBy: null,
    runStatus: null,
    runConclusion: null,
    runCreatedAt: null,
    runStartedAt: null,
    runnerId: null,
    runnerName: '',
    runObservedAt: null,
    missingSince: null,
    missingAt: null,
    goneSince: null,
    cancelWantedAt: null,
    cancelSentAt: null,
    forceCancelSentAt: null,
    holdEndedAt: null,
    displacedAt: null,
    endedAt: null,
    errorMessage: '',
    ...over,
  };
}

/** An accepted attempt whose run has been seen with this status. */
export function attemptWithRun(runStatus: string, over: Partial<Attempt> = {}): Attempt {
  return attempt('a', {
    state: 'accepted',
    runId: '1',
    runStatus,
    runCreatedAt: CLAIMED_AT + 1_000,
    runObservedAt: CLAIMED_AT + 10_000,
    ...over,
  });
}

export function workflowJob(id: string, over: Partial<WorkflowJob> = {}): WorkflowJob {
  return {
    id,
    runId: '1',
    runAttempt: 1,
    name: id,
    status: 'queued',
    conclusion: null,
    labels: ['linux'],
    runnerId: null,
    runnerName: '',
    createdAt: CLAIMED_AT + 1_000,
    startedAt: null,
    completedAt: null,
    ...over,
  };
}

export function run(id: string, over: Partial<Run> = {}): Run {
  const createdAt = over.createdAt ?? CLAIMED_AT + 1_000;
  return {
    id,
    attempt: 1,
    name: 'CI',
    path: '.github/workflows/ci.yml',
    workflowId: '7',
    event: 'workflow_dispatch',
    branch: 'main',
    actor: 'bot',
    headSha: 'c0ffee',
    status: 'queued',
    conclusion: null,
    url: '',
    createdAt,
    startedAt: null,
    updatedAt: createdAt,
    ...over,
  };
}
