import { describe, expect, it } from 'vitest';
import { anyTemplate, loadText, oneGroup } from './config.testkit.ts';

import { basic, complete, github, groups, inputs, oneTemplate, postgres } from './texts.testkit.ts';

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
