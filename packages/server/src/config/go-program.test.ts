import { expect, it } from 'vitest';
import { loadGood, loadText } from './config.testkit.ts';
import * as readme from './go-readme.testkit.ts';

const env = {
  GITHUB_TOKEN: 'ghp_1',
  ADMIN_PASSWORD: 'pa$$ #1',
  VIEWER_PASSWORD: 'v: w',
  DB_PASSWORD: 'db',
  GITHUB_CLIENT_ID: 'id',
  GITHUB_CLIENT_SECRET: 'secret',
};

it('starts with the quick start of the Go program as it stands there', async () => {
  const { config, problems, warnings } = await loadText(readme.quickStart, { env });
  expect([...problems, ...warnings]).toEqual([]);
  expect(config?.forges[0]?.token.reveal()).toBe('ghp_1');
  expect(config?.dispatcher.enabled).toBe(true);
  expect(config?.groups).toMatchObject([
    {
      id: 'my-runners',
      name: 'My Runners',
      runnerLabels: ['self-hosted', 'linux'],
      templates: [{ id: 'my-job', workflowId: 'my-workflow.yml', inputs: { param1: 'value1' } }],
    },
  ]);
});

it.each(['sqlite', 'postgres', 'cors', 'groups'] as const)(
  'takes its example of %s beside basic logins without a warning',
  async (name) => {
    const { problems, warnings } = await loadText(readme.basicAuth + readme[name], { env });
    expect([...problems, ...warnings]).toEqual([]);
  },
);

it('takes its examples of logins', async () => {
  const basic = (await loadGood(readme.basicAuth, { env })).auth.basic.users;
  expect(basic.map(({ username, password, role }) => [username, password.reveal(), role])).toEqual([
    ['admin', 'pa$$ #1', 'admin'],
    ['viewer', 'v: w', 'readonly'],
  ]);
  const { github } = (await loadGood(readme.githubAuth, { env })).auth;
  expect(github).toMatchObject({
    enabled: true,
    clientId: 'id',
    redirectUrl: 'http://localhost:3000',
    orgRoleMapping: { 'my-org': 'admin' },
    userRoleMapping: { octocat: 'admin' },
  });
  expect(github.clientSecret.reveal()).toBe('secret');
});

it('takes its examples of groups and template files together', async () => {
  const files = {
    'templates/hoodi.yaml': readme.templateFile.replaceAll('sync-geth', 'hoodi-geth'),
    'templates/mainnet.yaml': '',
  };
  const text = readme.groups.replaceAll(/^( +)# (?=workflow_|  - templates)/gm, '$1');
  const url = 'workflow_dispatch_templates_urls:';
  const config = await loadGood(readme.basicAuth + text.replace(url, `${url} []`), { env, files });
  expect(config.groups[0]?.templates).toMatchObject([
    {
      id: 'sync-geth-prysm',
      ref: 'master',
      inputs: { config: '{"network": "mainnet"}' },
      sourceType: 'inline',
    },
    { id: 'hoodi-geth-prysm', sourceType: 'file', sourcePath: 'templates/hoodi.yaml' },
    { id: 'hoodi-geth-lighthouse', inputs: { 'cl-client': 'lighthouse' } },
  ]);
});
