import {
  CORRELATION_INPUT,
  demoRunners,
  OWNER,
  REPO,
  WORKFLOW,
  workflowInputs,
} from './setting.ts';

export interface DemoTokens {
  /** Dispatches, follows, cancels. */
  readonly dispatch: string;
  /** Only lists runners, and counts against a rate limit of its own. */
  readonly runners: string;
}

/** The simulated forge's world (`forge-sim --world`), as its README describes it. */
export function demoWorld(tokens: DemoTokens): object {
  return {
    owners: [{ login: OWNER, type: 'Organization' }],
    tokens: [
      { token: tokens.dispatch, login: 'dispatchoor-bot', owners: [OWNER] },
      { token: tokens.runners, login: 'dispatchoor-reader', owners: [OWNER] },
    ],
    repos: [{ owner: OWNER, name: REPO }],
    workflows: [syncWorkflow()],
    runners: demoRunners.map(({ name, labels }) => ({ scope: `org:${OWNER}`, name, labels })),
  };
}

function syncWorkflow(): object {
  return {
    owner: OWNER,
    repo: REPO,
    file: WORKFLOW,
    name: 'Sync test',
    inputs: workflowInputs,
    runName: `sync \${{ inputs.el-client }}/\${{ inputs.cl-client }} \${{ inputs.${CORRELATION_INPUT} }}`,
    jobs: [
      {
        name: 'sync',
        runsOn: { fromInput: 'runs-on' },
        durationMs: { fromInput: 'duration-ms' },
        conclusion: { fromInput: 'outcome' },
      },
    ],
  };
}
