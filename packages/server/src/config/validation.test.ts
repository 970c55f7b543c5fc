import { describe, expect, it } from 'vitest';
import {
  REQUEST_TIMEOUT_MS,
  SEND_DEADLINE_MS,
  shortestOutcomeTimeoutMs,
} from '../domain/timing.ts';
import {
  anyTemplate,
  githubOf,
  loadGood,
  loadText,
  oneGroup,
  withLogin,
} from './config.testkit.ts';

import { complete, github, groups, inputs, oneTemplate } from './texts.testkit.ts';

describe('a configuration is accepted, with a warning, where', () => {
  it.each([
    [
      'nobody is in the list of users',
      'auth: { basic: { enabled: true } }',
      'auth.basic.users: is empty',
    ],
    [
      'no GitHub user is mapped',
      github('client_id: c, client_secret: s'),
      'auth.github.enabled: without org_role_mapping',
    ],
    [
      'an origin has a path',
      'server: { cors_origins: [https://ui.example.com/] }',
      'cors_origins[0]: no browser sends this origin, so it allows nothing; write https://ui.example.com',
    ],
    ['an origin is none', 'server: { cors_origins: [ui] }', 'cors_origins[0]: "ui" is no origin'],
    [
      'a group id needs care in addresses',
      groups('id: a/b'),
      'groups.github[0].id: stands in addresses',
    ],
    [
      'a repo carries its owner',
      oneTemplate('').replace('repo: r', 'repo: o/r'),
      'repo: GitHub will not find this; write the name of the repository',
    ],
    [
      'a workflow is a path',
      oneTemplate('').replace('workflow_id: w', 'workflow_id: .github/workflows/w.yml'),
      'workflow_id: GitHub will not find this; write the file name',
    ],
  ])('%s', async (_, text, warning) => {
    const { problems, warnings } = await loadText(complete(text));
    expect(problems).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining(warning)]);
  });
});

it.each([
  [':8080', { host: '', port: 8080 }],
  ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  ['localhost:80', { host: 'localhost', port: 80 }],
  ['[::1]:80', { host: '::1', port: 80 }],
])('listens on %s', async (listen, expected) => {
  expect((await loadGood(`${withLogin}server: { listen: "${listen}" }`)).server.listen).toEqual(
    expected,
  );
});

it.each([
  ['', 'https://api.github.com', true, { burst: 20, perSecond: 1 }],
  [
    'base_url: https://api.github.com/',
    'https://api.github.com',
    true,
    { burst: 20, perSecond: 1 },
  ],
  [
    'base_url: https://api.octo.ghe.com/',
    'https://api.octo.ghe.com',
    true,
    { burst: 20, perSecond: 1 },
  ],
  [
    'base_url: https://api.octo.ghe.com.example.org',
    'https://api.octo.ghe.com.example.org',
    false,
    null,
  ],
  ['base_url: https://h/api/v3/', 'https://h/api/v3', false, null],
  ['base_url: "http://127.0.0.1:8080"', 'http://127.0.0.1:8080', false, null],
  [
    'base_url: https://h/api/v3, dispatch_rate: { burst: 5 }',
    'https://h/api/v3',
    false,
    { burst: 5, perSecond: 1 },
  ],
  [
    'dispatch_rate: { per_second: 0.5 }',
    'https://api.github.com',
    true,
    { burst: 20, perSecond: 0.5 },
  ],
  ['dispatch_rate: unlimited', 'https://api.github.com', true, null],
  ['dispatch_rate: 0', 'https://api.github.com', true, null],
])(
  'dispatches as fast as the server allows: %s',
  async (lines, baseUrl, isGithubCom, dispatchRate) => {
    const config = await loadGood(`${withLogin}github: { ${lines} }`);
    expect(githubOf(config)).toMatchObject({ baseUrl, isGithubCom, dispatchRate });
  },
);

it('keeps the history for ever with a negative retention', async () => {
  expect(
    (await loadGood(`${withLogin}history: { retention_days: -7 }`)).history.retentionDays,
  ).toBeNull();
});

it('lists runners with the dispatch token unless there is one for it', async () => {
  const one = await loadGood(`${withLogin}github: { token: a }`);
  expect(githubOf(one).runnersToken.reveal()).toBe('a');
  const two = await loadGood(`${withLogin}github: { token: a, runners_token: b }`);
  expect(githubOf(two).runnersToken.reveal()).toBe('b');
});

it('fills in what a group and a template leave out', async () => {
  const config = await loadGood(
    withLogin + oneGroup(`workflow_dispatch_templates: [${anyTemplate}]`),
  );
  expect(config.groups).toEqual([
    {
      id: 'g',
      forgeId: 'github',
      name: 'g',
      description: '',
      runnerLabels: ['x'],
      maxParallel: null,
      unreadSources: [],
      runnerScopes: null,
      templates: [
        {
          id: 't',
          name: '',
          owner: 'o',
          repo: 'r',
          workflowId: 'w.yaml',
          ref: 'main',
          inputs: {},
          labels: {},
          runners: 1,
          correlationInput: null,
          sourceType: 'inline',
          sourcePath: '',
        },
      ],
    },
  ]);
});

it('reads what is new for groups and templates', async () => {
  const config = await loadGood(
    `${withLogin}${oneGroup(`max_parallel: 3
runner_scopes: [org:a, repo:a/b, enterprise:e]
workflow_dispatch_templates:
  - { id: t, owner: o, repo: r, workflow_id: w, runners: 2, correlation_input: i0, ${inputs(25)} }`)}`,
  );
  expect(config.groups[0]).toMatchObject({
    maxParallel: 3,
    runnerScopes: ['org:a', 'repo:a/b', 'enterprise:e'],
    templates: [{ runners: 2, correlationInput: 'i0' }],
  });
});

it('gives a user and a mapped name without a role the right to look', async () => {
  const config = await loadGood(`auth:
  basic: { enabled: true, users: [{ username: a, password: p }] }
  github: { enabled: yes, client_id: c, client_secret: s, redirect_url: /ui, org_role_mapping: { o: }, user_role_mapping: { U: admin } }
`);
  expect(config.auth.basic.users[0]?.role).toBe('readonly');
  expect(config.auth.github).toMatchObject({
    orgRoleMapping: { o: 'readonly' },
    userRoleMapping: { U: 'admin' },
  });
});

it('refuses a proxy that is no address, and takes addresses and ranges', async () => {
  const { problems } = await loadText(
    `${withLogin}server: { trusted_proxies: [proxy.local, 10.0.0.0/33] }`,
  );
  expect(problems).toEqual([
    expect.stringContaining('server.trusted_proxies[0]: "proxy.local" is no address or range'),
    expect.stringContaining('server.trusted_proxies[1]: "10.0.0.0/33" is no address or range'),
  ]);
  const config = await loadGood(`${withLogin}server: { trusted_proxies: [10.0.0.0/8, "::1"] }`);
  expect(config.server.trustedProxies).toEqual(['10.0.0.0/8', '::1']);
});

it('takes short timeouts where send deadline and request timeout are short too', async () => {
  const config = await loadGood(`${withLogin}
github: { request_timeout: 1s }
dispatcher: { send_deadline: 500ms, run_lookup_timeout: 2500ms, pickup_timeout: 3s }
`);
  expect(config.dispatcher).toMatchObject({
    runLookupTimeoutMs: 2_500,
    pickupTimeoutMs: 3_000,
    sendDeadlineMs: 500,
  });
});

it('has the defaults of the domain for send deadline and request timeout', async () => {
  const config = await loadGood(withLogin);
  expect(config.dispatcher.sendDeadlineMs).toBe(SEND_DEADLINE_MS);
  expect(githubOf(config).requestTimeoutMs).toBe(REQUEST_TIMEOUT_MS);
  expect(shortestOutcomeTimeoutMs(SEND_DEADLINE_MS, REQUEST_TIMEOUT_MS)).toBe(36_000);
});
