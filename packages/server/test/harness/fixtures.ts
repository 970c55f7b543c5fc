import type { ForgeSim, RunnerSpec, WorkflowSpec, World } from '@dispatchoor/forge-sim';
import { expect } from 'vitest';

/** The input by which a run names the attempt that made it, where its template says so. */
export const CORRELATION_INPUT = 'dispatch-id';

/** The account that dispatchoor acts as, and its token. */
export const BOT = 'release-bot';
/** What that account is called once a test has renamed it. */
export const RENAMED_BOT = 'ship-bot';

export const TOKEN = 'ghp_dispatchT0kenOfTheTests000000000';

/** Another token of the same account, for tests that list runners with one of their own. */
export const RUNNERS_TOKEN = 'ghp_runnersT0kenOfTheTests00000000000';

/** Somebody else with a token of their own, who starts the same workflows by hand. */
const HUMAN = 'alice';
export const HUMAN_TOKEN = 'ghp_aliceT0kenOfTheTests0000000000000';

export const LINUX = ['self-hosted', 'linux'] as const;

/** One workflow whose run is told by its inputs what it does. */
export function workflow(overrides: Partial<WorkflowSpec> = {}): WorkflowSpec {
  return {
    owner: 'acme',
    repo: 'app',
    file: 'build.yaml',
    name: 'Build',
    runName: `Build \${{ inputs.${CORRELATION_INPUT} }}`,
    inputs: {
      [CORRELATION_INPUT]: { default: '' },
      'runs-on': { default: JSON.stringify(LINUX) },
      'duration-ms': { default: '20' },
      conclusion: { default: 'success' },
      note: { default: '' },
    },
    jobs: [
      {
        name: 'build',
        runsOn: { fromInput: 'runs-on' },
        durationMs: { fromInput: 'duration-ms' },
        conclusion: { fromInput: 'conclusion' },
      },
    ],
    ...overrides,
  };
}

export function runners(count: number, labels: readonly string[] = LINUX): RunnerSpec[] {
  return Array.from({ length: count }, (_, index) => ({
    scope: 'org:acme',
    name: `${labels.at(-1) ?? 'runner'}-${index + 1}`,
    labels: [...labels],
  }));
}

/** One organisation with one repository, one workflow and `runnerCount` Linux runners. */
export function acme(runnerCount = 1, more: World = {}): World {
  return {
    owners: [{ login: 'acme', type: 'Organization' }, ...(more.owners ?? [])],
    tokens: [
      { token: TOKEN, login: BOT },
      { token: RUNNERS_TOKEN, login: BOT },
      { token: HUMAN_TOKEN, login: HUMAN },
      ...(more.tokens ?? []),
    ],
    repos: [{ owner: 'acme', name: 'app' }, ...(more.repos ?? [])],
    workflows: [workflow(), ...(more.workflows ?? [])],
    runners: [...runners(runnerCount), ...(more.runners ?? [])],
  };
}

export interface TemplateYaml {
  readonly id: string;
  readonly name?: string;
  readonly owner?: string;
  readonly repo?: string;
  readonly workflow_id?: string;
  readonly ref?: string;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly correlation_input?: string;
  readonly runners?: number;
}

export function template(overrides: TemplateYaml): Readonly<Record<string, unknown>> {
  return { owner: 'acme', repo: 'app', workflow_id: 'build.yaml', ref: 'main', ...overrides };
}

/** A group for the Linux runners, with the template `build`. */
export const linuxGroup: Readonly<Record<string, unknown>> = {
  id: 'linux',
  name: 'Linux',
  runner_labels: LINUX,
  workflow_dispatch_templates: [template({ id: 'build', name: 'Build', labels: { kind: 'ci' } })],
};

/** Its runs are told apart by their times alone. */
export const plainGroups = { github: [linuxGroup] };

/** The same with runs that are known by their attempt's name, however many answers are lost at once. */
export const namedGroups = {
  github: [
    {
      ...linuxGroup,
      workflow_dispatch_templates: [
        template({ id: 'build', correlation_input: CORRELATION_INPUT }),
      ],
    },
  ],
};

/** Far longer than the slowest machine needs to give up a run that is not to be seen; `moveTime` then brings it to light. */
export const UNSEEN_MS = 600_000;

/** Occupied until the test ends its run: what a test needs to look at a job in a state that does not last. */
export const LONG = { 'duration-ms': String(3 * UNSEEN_MS) } as const;

/** The note of runs that are nobody's of ours, though they may be made with our token. */
export const BY_HAND = 'by hand';

/** Starts a workflow of `acme/app` as somebody does who is not dispatchoor. */
export async function dispatchByHand(
  sim: Pick<ForgeSim, 'url'>,
  how: {
    readonly workflow: string;
    readonly token: string;
    readonly inputs?: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const url = `${sim.url}/repos/acme/app/actions/workflows/${how.workflow}/dispatches`;
  const { status } = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${how.token}`,
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
      'user-agent': 'a script of alice',
    },
    body: JSON.stringify({ ref: 'main', inputs: { note: BY_HAND, ...how.inputs } }),
  });
  expect(status).toBe(204);
}
