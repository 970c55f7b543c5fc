import { describe, expect, it } from 'vitest';
import {
  REQUEST_TIMEOUT_MS,
  SEND_DEADLINE_MS,
  shortestOutcomeTimeoutMs,
} from '../domain/timing.ts';
import { anyTemplate, loadGood, loadText, oneGroup, withLogin } from './config.testkit.ts';

const oneTemplate = (lines: string) =>
  oneGroup(
    `workflow_dispatch_templates:\n  - { id: t, owner: o, repo: r, workflow_id: w, ${lines} }`,
  );
const groups = (...items: string[]) =>
  `groups:\n  github:\n${items.map((item) => `    - { runner_labels: [x], ${item} }\n`).join('')}`;
const basic = (users: string) => `auth: { basic: { enabled: true, users: ${users} } }`;
const github = (lines: string) => `auth: { github: { enabled: true, ${lines} } }`;
const postgres = (lines: string) => `database: { driver: postgres, postgres: { ${lines} } }`;
const inputs = (count: number) =>
  `inputs: { ${Array.from({ length: count }, (_, index) => `i${String(index)}: x`).join(', ')} }`;

/** Adds the login where the text says nothing about it. */
const complete = (text: string) => (text.startsWith('auth:') ? text : withLogin + text);

describe('a configuration is refused with', () => {
  it.each([
    [
      'another driver',
      'database: { driver: mysql }',
      'database.driver: "mysql" is no driver; write sqlite or postgres',
    ],
    [
      'postgres without a host',
      postgres('database: d'),
      'database.postgres.host: is missing; write ',
    ],
    [
      'postgres without a database',
      postgres('host: h'),
      'database.postgres.database: is missing; write ',
    ],
    [
      'an unknown sslmode',
      postgres('host: h, database: d, sslmode: on'),
      'sslmode: "on" is no sslmode; write one of disable, ',
    ],
    [
      'a port that is none',
      postgres('host: h, database: d, port: 70000'),
      'port: "70000" is out of range; write 1 to 65535',
    ],
    [
      'a listen address without a port',
      'server: { listen: localhost }',
      'server.listen: "localhost" is not host:port',
    ],
    [
      'a listen port that is none',
      'server: { listen: ":70000" }',
      'server.listen: ":70000" is not host:port',
    ],
    [
      'a negative rate limit (defect #31)',
      'server: { rate_limit: { auth: { requests_per_minute: -1 } } }',
      'requests_per_minute: "-1" is out of range',
    ],
    [
      'a base_url that is no URL',
      'github: { base_url: ghes.example.com }',
      'github.base_url: "ghes.example.com" is no URL; write ',
    ],
    [
      'the web site as base_url',
      'github: { base_url: "https://github.com" }',
      'is the web site, not its API; write https://api.github.com',
    ],
    [
      'a token in the base_url',
      'github: { base_url: "https://x:hunter2@h/api/v3" }',
      'must be scheme, host and path only',
    ],
    [
      'a password in what is no base_url',
      'github: { base_url: "htps://x:hunter2@h/api/v3?token=abc" }',
      'github.base_url: "htps://***@h/api/v3?token=***" is no URL; write ',
    ],
    [
      'the web site of a company at GitHub as base_url',
      'github: { base_url: "https://octo.ghe.com" }',
      'is the web site, not its API; write https://api.octo.ghe.com',
    ],
    [
      'a negative dispatch rate',
      'github: { dispatch_rate: { per_second: -1 } }',
      'per_second: "-1" is out of range',
    ],
    [
      'a dispatch rate of one number',
      'github: { dispatch_rate: 5 }',
      'github.dispatch_rate: is a single value, must be a map',
    ],
    [
      'no login enabled',
      'auth: { basic: { enabled: false } }',
      'nobody can log in; set auth.basic.enabled or auth.github.enabled to true',
    ],
    [
      'GitHub login without client_id',
      github('client_secret: s'),
      'auth.github.client_id: is missing',
    ],
    [
      'GitHub login without client_secret',
      github('client_id: c'),
      'auth.github.client_secret: is missing',
    ],
    [
      'a redirect_url that is none',
      github('client_id: c, client_secret: s, redirect_url: "localhost:3000"'),
      'redirect_url: "localhost:3000" is no URL',
    ],
    [
      'a role of a user that is none (defect #31)',
      basic('[{ username: a, password: p, role: root }]'),
      'users[0].role: "root" is no role; write readonly or admin',
    ],
    [
      'a role in another case',
      basic('[{ username: a, password: p, role: Admin }]'),
      'users[0].role: "Admin" is no role',
    ],
    [
      'a user without a name (defect #31)',
      basic('[{ password: p }]'),
      'users[0].username: is missing',
    ],
    ['a user without a password', basic('[{ username: a }]'), 'users[0].password: is empty'],
    [
      'two users of one name (defect #31)',
      basic('[{ username: a, password: p }, { username: a, password: q }]'),
      'users[1].username: is the name of another user',
    ],
    [
      'a role of an organisation that is none',
      github('client_id: c, client_secret: s, org_role_mapping: { o: owner }'),
      'org_role_mapping.o: "owner" is no role',
    ],
    [
      'one GitHub user in two spellings',
      github('client_id: c, client_secret: s, user_role_mapping: { Ann: admin, ann: readonly }'),
      'user_role_mapping.ann: is the same GitHub user',
    ],
    ['a group without an id', groups('name: n'), 'groups.github[0].id: is missing'],
    [
      'two groups of one id',
      groups('id: a', 'id: a, name: b'),
      'groups.github[1].id: "a" is taken: id must be unique, and config.yaml:4 has it',
    ],
    [
      'two groups of one name (defect #13)',
      groups('id: a, name: n', 'id: b, name: n'),
      'groups.github[1].name: "n" is taken: name must be unique',
    ],
    [
      'a group named like the id of one without a name (defect #13)',
      groups('id: a', 'id: b, name: a'),
      'groups.github[1].name: "a" is taken',
    ],
    [
      'a group without labels',
      'groups: { github: [{ id: a }] }',
      'groups.github[0].runner_labels: is missing',
    ],
    ['an empty label', oneGroup('').replace('[x]', '[""]'), 'runner_labels[0]: is empty'],
    ['a negative max_parallel', oneGroup('max_parallel: -1'), 'max_parallel: "-1" is out of range'],
    [
      'a scope of another kind',
      oneGroup('runner_scopes: [user:a]'),
      'runner_scopes[0]: "user:a" is no scope; write org:NAME, repo:OWNER/NAME or enterprise:NAME',
    ],
    [
      'a repo scope without a repository',
      oneGroup('runner_scopes: [repo:a]'),
      'runner_scopes[0]: "repo:a" is no scope',
    ],
    [
      'an org scope with a repository',
      oneGroup('runner_scopes: [org:a/b]'),
      'runner_scopes[0]: "org:a/b" is no scope',
    ],
    [
      'a template without an id',
      oneTemplate('').replace('id: t,', ''),
      'workflow_dispatch_templates[0].id: is missing',
    ],
    [
      'a template without an owner',
      oneTemplate('').replace('owner: o,', ''),
      'workflow_dispatch_templates[0].owner: is missing',
    ],
    [
      'a template without a repo',
      oneTemplate('').replace('repo: r,', ''),
      'workflow_dispatch_templates[0].repo: is missing',
    ],
    [
      'a template without a workflow',
      oneTemplate('').replace('workflow_id: w,', ''),
      'workflow_dispatch_templates[0].workflow_id: is missing',
    ],
    [
      'one template id in two groups',
      groups(
        `id: a, workflow_dispatch_templates: [${anyTemplate}]`,
        `id: b, workflow_dispatch_templates: [${anyTemplate}]`,
      ),
      'groups.github[1].workflow_dispatch_templates[0].id: "t" is taken',
    ],
    [
      '26 inputs',
      oneTemplate(inputs(26)),
      'inputs: 26 inputs, correlation_input included; GitHub takes 25',
    ],
    [
      '25 inputs and another one for correlation',
      oneTemplate(`${inputs(25)}, correlation_input: c`),
      'inputs: 26 inputs',
    ],
    ['a negative number of runners', oneTemplate('runners: -1'), 'runners: "-1" is out of range'],
    [
      'a lookup that ends before its dispatch',
      'dispatcher: { run_lookup_timeout: 35s }',
      'run_lookup_timeout: 35s could end before a dispatch on its way is known, and start the job twice; write 36s ',
    ],
    [
      'a pickup that ends before its dispatch',
      'dispatcher: { pickup_timeout: 20s }',
      'pickup_timeout: 20s could end before',
    ],
    [
      'a lookup shorter than a longer request',
      'github: { request_timeout: 5m }',
      'dispatcher.run_lookup_timeout: 5m0s could end before a dispatch on its way is known, and start the job twice; write 5m6s',
    ],
    [
      'a retention of centuries',
      'history: { retention_days: 100000 }',
      'retention_days: "100000" is out of range',
    ],
  ])('%s', async (_, text, problem) => {
    const { problems } = await loadText(complete(text));
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems[0]).toMatch(/^config\.yaml:\d+:\d+: /);
    expect(problems.join()).not.toContain('hunter2');
  });
});

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
    expect(config.github).toMatchObject({ baseUrl, isGithubCom, dispatchRate });
  },
);

it('keeps the history for ever with a negative retention', async () => {
  expect(
    (await loadGood(`${withLogin}history: { retention_days: -7 }`)).history.retentionDays,
  ).toBeNull();
});

it('lists runners with the dispatch token unless there is one for it', async () => {
  const one = await loadGood(`${withLogin}github: { token: a }`);
  expect(one.github.runnersToken.reveal()).toBe('a');
  const two = await loadGood(`${withLogin}github: { token: a, runners_token: b }`);
  expect(two.github.runnersToken.reveal()).toBe('b');
});

it('fills in what a group and a template leave out', async () => {
  const config = await loadGood(
    withLogin + oneGroup(`workflow_dispatch_templates: [${anyTemplate}]`),
  );
  expect(config.groups).toEqual([
    {
      id: 'g',
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
  const { dispatcher, github } = await loadGood(withLogin);
  expect(dispatcher.sendDeadlineMs).toBe(SEND_DEADLINE_MS);
  expect(github.requestTimeoutMs).toBe(REQUEST_TIMEOUT_MS);
  expect(shortestOutcomeTimeoutMs(SEND_DEADLINE_MS, REQUEST_TIMEOUT_MS)).toBe(36_000);
});
