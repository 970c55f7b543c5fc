import type { EndpointName, FaultSpec } from '@dispatchoor/forge-sim';
import {
  acme,
  CORRELATION_INPUT,
  LINUX,
  linuxGroup,
  template,
  workflow,
} from '../../harness/fixtures.ts';

/** A call about one target, which fails for as long as anybody looks. */
export interface TargetCall {
  readonly on: EndpointName;
  readonly target: Pick<FaultSpec, 'owner' | 'repo'>;
  /** Jobs of this template come now and then. */
  readonly templateId: 'bad' | 'other';
  /** A run of this template is under way, and is cancelled. */
  readonly cancels?: 'bad' | 'stubborn';
  /** Another fault that brings the call about. */
  readonly with?: FaultSpec;
  /** Another target that begins to answer the same some minutes later, and whose jobs come as well. */
  readonly twin?: Pick<FaultSpec, 'owner' | 'repo'> & { readonly templateId: 'other' };
}

const REPO = { owner: 'acme', repo: 'bad' };
const OWNER = { owner: 'other' };

export const targetCalls: readonly TargetCall[] = [
  { on: 'dispatch', target: REPO, templateId: 'bad' },
  {
    ...{ on: 'repoGet', target: REPO, templateId: 'bad' },
    with: { ...REPO, on: 'dispatch', kind: 'not-found', times: 'always' },
  },
  { on: 'listRuns', target: REPO, templateId: 'bad' },
  // Limited in turns, two have stopped everything.
  {
    ...{ on: 'listRuns', target: REPO, templateId: 'bad' },
    twin: { ...OWNER, templateId: 'other' },
  },
  {
    ...{ on: 'getRun', target: REPO, templateId: 'bad' },
    with: { ...REPO, on: 'listRuns', kind: 'status-before', times: 'always' },
  },
  { on: 'listRunJobs', target: REPO, templateId: 'bad' },
  { on: 'cancel', target: REPO, templateId: 'bad', cancels: 'bad' },
  { on: 'forceCancel', target: REPO, templateId: 'bad', cancels: 'stubborn' },
  { on: 'listRunners', target: OWNER, templateId: 'other' },
  { on: 'userGet', target: OWNER, templateId: 'other' },
];

/** What a forge, or what stands before it, may answer each time, or now and then. */
export interface TargetAnswer {
  readonly name: string;
  readonly fault: Pick<FaultSpec, 'kind' | 'status' | 'html' | 'retryAfterS' | 'probability'>;
}

export const targetAnswers: readonly TargetAnswer[] = [
  // As of nginx with `limit_req_status 429`: nobody says for how long.
  { name: '429 of a proxy', fault: { kind: 'status-before', status: 429, html: true } },
  { name: 'a limit of a minute', fault: { kind: 'secondary-limit', retryAfterS: 60 } },
  { name: 'a limit of 13 minutes', fault: { kind: 'secondary-limit', retryAfterS: 800 } },
  {
    // As of a quota that lets a few through.
    name: 'a limit of 13 minutes every other time',
    fault: { kind: 'secondary-limit', retryAfterS: 800, probability: 0.5 },
  },
  { name: '502', fault: { kind: 'status-before', status: 502 } },
  { name: '502 after it has acted', fault: { kind: 'status-after', status: 502 } },
  { name: '403 of a proxy', fault: { kind: 'status-before', status: 403, html: true } },
  { name: '403', fault: { kind: 'status-before', status: 403 } },
  { name: '401', fault: { kind: 'status-before', status: 401 } },
  { name: '404', fault: { kind: 'not-found' } },
  { name: 'no JSON', fault: { kind: 'unparsable' } },
  { name: 'nothing', fault: { kind: 'hold-before' } },
  { name: 'a reset', fault: { kind: 'reset-after' } },
];

const templateOf = (id: string, owner: string, repo: string, workflowId = 'build.yaml') =>
  template({ id, owner, repo, workflow_id: workflowId, correlation_input: CORRELATION_INPUT });

export const targetGroups = {
  github: [
    {
      ...linuxGroup,
      workflow_dispatch_templates: [
        templateOf('good', 'acme', 'app'),
        templateOf('bad', 'acme', 'bad'),
        templateOf('stubborn', 'acme', 'bad', 'stubborn.yaml'),
        templateOf('other', 'other', 'x'),
      ],
    },
  ],
};

/** Goes on after a cancel: only force ends it. */
const stubborn = workflow({
  repo: 'bad',
  file: 'stubborn.yaml',
  jobs: [{ name: 'build', runsOn: ['linux'], durationMs: 5_400_000, ignoresCancel: true }],
});

/** Runners enough, so that nothing but the failing target can make a job wait. */
export const targetForge = acme(6, {
  owners: [{ login: 'other', type: 'Organization' }],
  repos: [
    { owner: 'acme', name: 'bad' },
    { owner: 'other', name: 'x' },
  ],
  workflows: [workflow({ repo: 'bad' }), stubborn, workflow({ owner: 'other', repo: 'x' })],
  runners: ['other-1', 'other-2'].map((name) => ({ scope: 'org:other', name, labels: [...LINUX] })),
});
