import { stringify } from 'yaml';
import { CORRELATION_INPUT, demoGroups, demoTemplates, OWNER, REPO, WORKFLOW } from './setting.ts';

/** The variables that config.yaml refers to: no secret stands in the file or on a command line. */
export const secretNames = {
  dispatchToken: 'DEMO_FORGE_TOKEN',
  runnersToken: 'DEMO_FORGE_RUNNERS_TOKEN',
  password: 'DEMO_PASSWORD',
} as const;

export interface ConfigFileOptions {
  readonly forgeUrl: string;
  readonly port: number;
  readonly username: string;
}

/** The server's config.yaml. */
export function configFile({ forgeUrl, port, username }: ConfigFileOptions): string {
  return stringify({
    // Only this machine: anybody who reads the demo's output knows the password.
    server: { listen: `127.0.0.1:${port}` },
    database: { driver: 'sqlite', sqlite: { path: './dispatchoor.db' } },
    github: {
      base_url: forgeUrl,
      token: reference(secretNames.dispatchToken),
      runners_token: reference(secretNames.runnersToken),
      poll_interval: '2s',
      // The simulated forge answers within 200 ms; a dispatch that a kill left open is settled sooner.
      request_timeout: '5s',
    },
    dispatcher: { tracking_interval: '2s', send_deadline: '2s', run_lookup_timeout: '10s' },
    auth: {
      basic: {
        enabled: true,
        users: [{ username, password: reference(secretNames.password), role: 'admin' }],
      },
    },
    groups: { github: demoGroups.map((group) => groupSection(group)) },
  });
}

function groupSection({ id, name, description, labels }: (typeof demoGroups)[number]): object {
  return {
    id,
    name,
    description,
    runner_labels: labels,
    runner_scopes: [`org:${OWNER}`],
    workflow_dispatch_templates: demoTemplates
      .filter(({ groupId }) => groupId === id)
      .map((template) => ({
        id: template.id,
        name: template.name,
        owner: OWNER,
        repo: REPO,
        workflow_id: WORKFLOW,
        ref: 'main',
        inputs: template.inputs,
        labels: template.labels,
        correlation_input: CORRELATION_INPUT,
      })),
  };
}

function reference(name: string): string {
  return `\${${name}}`;
}
