/** What every row measures: an organisation, its runners, and groups that share them by label. */
const OWNER = 'acme';
const REPO = 'app';
const WORKFLOW = 'bench.yml';
/** Filled with the id of the attempt and shown in the run's name: a job with other inputs need not wait until the run of this one is known. */
const CORRELATION_INPUT = 'dispatch_id';
const LOGIN = { username: 'bench', password: 'bench-password' } as const;

/** One login each, as a careful operator has them. */
const tokens = { dispatch: 'bench-dispatch-token', runners: 'bench-runners-token' } as const;

export const secrets = {
  login: LOGIN,
  tokens: Object.values(tokens),
  webhook: 'bench-webhook-secret',
} as const;

export interface Setup {
  readonly groups: number;
  readonly runners: number;
  /** Taken by somebody else's jobs: nothing is dispatched. */
  readonly areRunnersBusy?: boolean;
  /** How long each workflow job takes. */
  readonly jobMs: number;
  /** The templates have no `correlation_input`. */
  readonly isNameless?: boolean;
}

export function groupId(index: number): string {
  return `group-${String(index).padStart(3, '0')}`;
}

export function templateId(index: number): string {
  return `template-${String(index).padStart(3, '0')}`;
}

/** forge-sim's world, as its README describes it. Runners are spread evenly over the groups. */
export function worldOf({ groups, runners, jobMs, areRunnersBusy = false }: Setup): object {
  return {
    owners: [{ login: OWNER, type: 'Organization' }],
    tokens: [
      { token: tokens.dispatch, login: 'bench-bot' },
      { token: tokens.runners, login: 'bench-reader' },
    ],
    repos: [{ owner: OWNER, name: REPO }],
    workflows: [
      {
        ...{ owner: OWNER, repo: REPO, file: WORKFLOW, name: 'Bench' },
        inputs: { 'runs-on': {}, mark: { default: '' }, [CORRELATION_INPUT]: { default: '' } },
        runName: `Bench \${{ inputs.${CORRELATION_INPUT} }}`,
        jobs: [
          {
            name: 'work',
            runsOn: { fromInput: 'runs-on' },
            // Not from an input: those of a job that waits were frozen when its database was filled.
            durationMs: jobMs,
          },
        ],
      },
    ],
    runners: Array.from({ length: runners }, (_, i) => ({
      scope: `org:${OWNER}`,
      name: `runner-${i}`,
      labels: ['self-hosted', groupId(i % groups)],
      busy: areRunnersBusy,
    })),
  };
}

/** How often the server looks by itself, as its config writes it. */
export interface Intervals {
  readonly poll: string;
  readonly track: string;
}

/** A section of config.yaml. */
export type DatabaseSection =
  | { readonly driver: 'sqlite'; readonly sqlite: { readonly path: string } }
  | { readonly driver: 'postgres'; readonly postgres: object };

export interface ConfigOptions {
  readonly setup: Setup;
  readonly forgeUrl: string;
  readonly database: DatabaseSection;
  readonly intervals: Intervals;
  readonly isWebhookOn: boolean;
}

/** config.yaml; JSON is YAML. The tokens in it open nothing but the simulated forge of this run. */
export function configOf(options: ConfigOptions): string {
  const { setup, forgeUrl, database, intervals, isWebhookOn } = options;
  const user = { ...LOGIN, role: 'admin' };
  return JSON.stringify({
    server: { listen: '127.0.0.1:0' },
    database,
    github: {
      base_url: forgeUrl,
      token: tokens.dispatch,
      runners_token: tokens.runners,
      poll_interval: intervals.poll,
      ...(isWebhookOn && { webhook_secret: secrets.webhook }),
    },
    dispatcher: { tracking_interval: intervals.track },
    auth: { basic: { enabled: true, users: [user] } },
    groups: { github: Array.from({ length: setup.groups }, (_, i) => groupSection(i, setup)) },
  });
}

function groupSection(index: number, { isNameless = false }: Setup): object {
  const label = groupId(index);
  return {
    id: label,
    name: label,
    runner_labels: ['self-hosted', label],
    runner_scopes: [`org:${OWNER}`],
    workflow_dispatch_templates: [
      {
        ...{ id: templateId(index), name: label },
        ...{ owner: OWNER, repo: REPO, workflow_id: WORKFLOW, ref: 'main' },
        inputs: { 'runs-on': `self-hosted,${label}` },
        labels: { network: 'mainnet', client: 'geth' },
        ...(!isNameless && { correlation_input: CORRELATION_INPUT }),
      },
    ],
  };
}

/** Where forge-sim sends its webhooks: the server's door. */
export function hookOf(serverUrl: string): object {
  return {
    url: `${serverUrl}/webhook/github/github`,
    secret: secrets.webhook,
    events: ['workflow_job', 'workflow_run'],
  };
}
