import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { githubOf, loadGood, loadText, makeFolder, oneGroup, withLogin } from './config.testkit.ts';
import { NoConfigError } from './config-error.ts';
import { loadConfig } from './load.ts';

it('gives every key its default when the file says only how to log in', async () => {
  const config = await loadGood(withLogin);
  expect(config).toMatchObject({
    server: {
      listen: { host: '', port: 9090 },
      corsOrigins: [],
      rateLimit: {
        enabled: false,
        authPerMinute: 10,
        publicPerMinute: 60,
        authenticatedPerMinute: 120,
      },
    },
    database: { driver: 'sqlite', path: './dispatchoor.db' },
    forges: [
      {
        id: 'github',
        kind: 'github',
        configKey: 'github',
        baseUrl: 'https://api.github.com',
        isGithubCom: true,
        pollIntervalMs: 60_000,
        rateLimitBuffer: 100,
        dispatchRate: { burst: 20, perSecond: 1 },
        requestTimeoutMs: 30_000,
      },
    ],
    dispatcher: {
      enabled: true,
      intervalMs: 30_000,
      trackingIntervalMs: 30_000,
      runLookupTimeoutMs: 300_000,
      pickupTimeoutMs: 900_000,
      sendDeadlineMs: 5_000,
    },
    auth: { sessionTtlMs: 86_400_000, github: { enabled: false } },
    history: { retentionDays: 30, cleanupIntervalMs: 3_600_000 },
    groups: [],
  });
  expect(githubOf(config).token.isEmpty).toBe(true);
});

it('takes empty sections, nulls and zeros as defaults', async () => {
  const empty = `${withLogin}
server: { listen: , cors_origins: ~, rate_limit: { auth: { requests_per_minute: 0 }, public: } }
database: null
github: { poll_interval: 0s, rate_limit_buffer: 0, dispatch_rate: }
dispatcher:
history: { retention_days: 0, cleanup_interval: "" }
groups: { github: }
`;
  expect(await loadGood(empty)).toEqual(await loadGood(withLogin));
});

it('is frozen to the last list', async () => {
  const config = await loadGood(`${withLogin}${oneGroup('name: n')}`);
  expect(Object.isFrozen(config.groups[0]?.runnerLabels)).toBe(true);
  expect(Object.isFrozen(config.auth.basic.users[0])).toBe(true);
});

it('does not show its secrets when it is printed', async () => {
  const config = await loadGood(
    `${withLogin}github: { token: tok-1234 }\ndatabase: { driver: postgres, postgres: { host: h, database: d, password: pw-1234 } }`,
  );
  expect(inspect(config, { depth: 9, showHidden: true })).not.toContain('1234');
  expect(JSON.stringify(config)).not.toContain('1234');
});

it('says everything that is wrong at once, with file, line, column, key and what to write', async () => {
  const { problems } = await loadText(`server:
  listen: 9090
database:
  driver: mysql
dispatcher:
  interval: 30
  pickup_timeout: 10s
groups:
  github:
    - id: a
      runner_labels: []
      workflow_dispatch_templates: yes
`);
  expect(problems).toEqual([
    expect.stringMatching(
      /^config\.yaml:1:1: auth: nobody can log in; set auth\.basic\.enabled or /,
    ),
    expect.stringMatching(
      /^config\.yaml:2:11: server\.listen: "9090" is not host:port; write :9090 /,
    ),
    expect.stringMatching(
      /^config\.yaml:4:11: database\.driver: "mysql" is no driver; write sqlite or /,
    ),
    expect.stringMatching(
      /^config\.yaml:6:13: dispatcher\.interval: "30" is not a duration; write .* 30s$/,
    ),
    expect.stringMatching(/^config\.yaml:7:19: dispatcher\.pickup_timeout: 10s could end before /),
    expect.stringMatching(
      /^config\.yaml:11:22: groups\.github\[0\]\.runner_labels: is missing; write /,
    ),
    expect.stringMatching(
      /^config\.yaml:12:36: groups.*_templates: is a single value, must be a list; /,
    ),
  ]);
});

it('warns of an unknown key with its line, and names the key that was meant', async () => {
  const { config, warnings } = await loadText(`${withLogin}github:
  pol_interval: 5s
  frobnicate: 1
Server: {}
`);
  expect(config).toBeDefined();
  expect(warnings).toEqual([
    'config.yaml:3:3: github.pol_interval: unknown key, not used; did you mean poll_interval?',
    expect.stringMatching(
      /^config\.yaml:4:3: github\.frobnicate: unknown key, not used; known here: token, /,
    ),
    'config.yaml:5:1: Server: unknown key, not used; did you mean server?',
  ]);
});

it('hands each warning to the caller, also when the load fails', async () => {
  const folder = await makeFolder({ 'config.yaml': 'foo: 1\n' });
  const warnings: string[] = [];
  const path = join(folder, 'config.yaml');
  const warn = (line: string) => void warnings.push(line);
  await expect(loadConfig({ path, env: {}, fetch, warn })).rejects.toThrow('nobody can log in');
  expect(warnings).toHaveLength(1);
});

it('refuses a key that is given twice, as the Go program did', async () => {
  const { problems } = await loadText(`${withLogin}github:\n  token: a\n  token: b\n`);
  expect(problems).toEqual([
    'config.yaml:4:3: github.token: given twice, first in line 3; keep one',
  ]);
});

it('refuses two keys that are the same after expansion', async () => {
  const inputs =
    'workflow_dispatch_templates: [{ id: t, owner: o, repo: r, workflow_id: w, inputs: { a: 1, $A: 2 } }]';
  const { problems } = await loadText(`${withLogin}${oneGroup(inputs)}`, { env: { A: 'a' } });
  expect(problems).toEqual([expect.stringContaining('inputs.$A: given twice')]);
});

it('reads JSON, tabs included', async () => {
  const json = JSON.stringify(
    {
      auth: { basic: { enabled: true, users: [{ username: 'a', password: 'p' }] } },
      history: { retention_days: 7 },
    },
    null,
    '\t',
  );
  expect((await loadGood(json)).history.retentionDays).toBe(7);
});

it('follows anchors, aliases and merged maps', async () => {
  const config = await loadGood(`${withLogin}
groups:
  github:
    - &first { id: a, runner_labels: &labels [x, y], description: both }
    - { <<: *first, id: b, name: B }
    - { id: c, runner_labels: *labels }
`);
  expect(config.groups.map(({ id, description }) => [id, description])).toEqual([
    ['a', 'both'],
    ['b', 'both'],
    ['c', ''],
  ]);
  expect(config.groups[2]?.runnerLabels).toEqual(['x', 'y']);
});

it.each([
  ['a map that merges itself', 'server: &a\n  <<: *a\n'],
  ['maps that merge each other', 'server: &a\n  rate_limit: &b\n    <<: { <<: *b }\n'],
  ['a merge of a word', 'server: { <<: word }\n'],
])('refuses %s', async (_, text) => {
  const { problems } = await loadText(withLogin + text);
  expect(problems).toEqual([expect.stringContaining('"<<" merges something that is no map')]);
});

it('stops at a document that multiplies itself by aliases', async () => {
  const bombs = Array.from({ length: 7 }, (_, level) => {
    const merged = level === 0 ? '{ k: v }' : `{ <<: [${`*m${String(level - 1)}, `.repeat(9)}] }`;
    return `x${String(level)}: &m${String(level)} ${merged}`;
  });
  const { problems } = await loadText(`${withLogin}${bombs.join('\n')}\nserver: *m6\n`);
  expect(problems).toContainEqual(expect.stringContaining('too many aliases'));
});

it.each([
  ['github:\n\ttoken: hunter2\n', 2],
  ['github: { token: hunter2\n', 2],
  ['github:\n  token: "hunter2\n', 3],
  ['github:\n  token: @hunter2\n', 2],
  ['github:\n  token: *hunter2\n', 2],
  ['github:\n  token: "\\hunter2"\n', 2],
  ['github:\n  token: a: hunter2\n', 2],
])('says in which line %j is not YAML, without quoting it', async (text, line) => {
  const { problems } = await loadText(text);
  expect(problems.length).toBeGreaterThan(0);
  expect(problems.at(-1)).toMatch(
    new RegExp(`^config\\.yaml:${String(line)}:\\d+: not YAML: .*[;,] `),
  );
  expect(problems.join()).not.toContain('hunter2');
});

it('reads the first document only, and says so', async () => {
  const { config, warnings } = await loadText(
    `---\n${withLogin}---\nserver: { listen: nowhere }\n`,
  );
  expect(config?.server.listen.port).toBe(9090);
  expect(warnings).toEqual([expect.stringMatching(/^config\.yaml:3:1: a second document/)]);
});

it('says what to do where there is no file', async () => {
  const missing = loadConfig({ path: '/nowhere/config.yaml', env: {}, fetch });
  await expect(missing).rejects.toBeInstanceOf(NoConfigError);
  await expect(missing).rejects.toThrow(
    /\/nowhere\/config\.yaml[^]*dispatchoor demo[^]*config\.example\.yaml/,
  );
});

it('says which file it cannot read', async () => {
  const folder = await makeFolder({});
  await expect(loadConfig({ path: folder, env: {}, fetch })).rejects.toThrow(
    `${folder}: cannot be read (EISDIR)`,
  );
});

it.each(['', '# nothing but a comment\n', '[]\n', 'word\n'])(
  'refuses %j without a stack trace',
  async (text) => {
    const { problems } = await loadText(text);
    expect(problems).toContainEqual(
      expect.stringMatching(/^config\.yaml:1:1: auth: nobody can log in/),
    );
  },
);
