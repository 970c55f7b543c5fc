import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  githubOf,
  loadGood,
  loadGroupTemplates,
  loadText,
  oneGroup,
  withLogin,
} from './config.testkit.ts';

/** The description of a group whose key is written so. */
async function describedAs(written: string, env: Record<string, string>) {
  const outcome = await loadText(`${withLogin}${oneGroup(`description: ${written}`)}`, { env });
  return { ...outcome, description: outcome.config?.groups[0]?.description };
}

function withPassword(written: string): string {
  return `auth: { basic: { enabled: true, users: [{ username: a, password: ${written} }] } }\n`;
}

async function passwordOf(written: string, env: Record<string, string>) {
  const config = await loadGood(withPassword(written), { env });
  return config.auth.basic.users[0]?.password.reveal();
}

describe('references', () => {
  it.each([
    ['${A}', 'one'],
    ['$A', 'one'],
    ['x${A}y$B.z', 'xoney' + 'two.z'],
    ['"${A}: $B"', 'one: two'],
    ["'$A'", 'one'],
    ['$A_', '$A_'],
    ['${A}_', 'one_'],
    ['$${A}', '$one'],
    ['$$A', '$one'],
    ['${ A }', '${ A }'],
    ['${A:-x}', '${A:-x}'],
    ['$1 ${1} $', '$1 ${1} $'],
    ['${{ A }}', '${{ A }}'],
    ['"\\x24A"', '$A'],
    ['$EMPTY', ''],
    ['x${EMPTY}y', 'xy'],
    ['$constructor', '$constructor'],
  ])('reads %s as %j', async (written, value) => {
    const { description } = await describedAs(written, { A: 'one', B: 'two', EMPTY: '' });
    expect(description).toBe(value);
  });

  it('are filled in once: what a variable holds is not looked at again (defect #11)', async () => {
    const { description, warnings } = await describedAs('${A} $A', { A: '$B ${B}', B: 'secret' });
    expect(description).toBe('$B ${B} $B ${B}');
    expect(warnings).toEqual([]);
  });

  it('are not looked for in comments', async () => {
    const { description, warnings } = await describedAs('x # ${NOT_SET} $NOT_SET', {});
    expect(description).toBe('x');
    expect(warnings).toEqual([]);
  });

  it('work inside flow lists and maps, where a brace would end the value', async () => {
    const { config } = await loadText(
      `${withLogin}server: { cors_origins: [\${A}, "\${B}", $C] }\ngroups: { github: [{ id: \${G}, runner_labels: [\${L}] }] }`,
      { env: { A: 'http://a', B: 'http://b', C: 'http://c', G: 'g', L: 'l, m' } },
    );
    expect(config?.server.corsOrigins).toEqual(['http://a', 'http://b', 'http://c']);
    expect(config?.groups).toMatchObject([{ id: 'g', runnerLabels: ['l, m'] }]);
  });

  it('work in keys, also in those the configuration knows', async () => {
    const { config } = await loadText(
      `${withLogin}$S: { listen: ":80" }\n${oneGroup('workflow_dispatch_templates: [{ id: t, owner: o, repo: r, workflow_id: w, inputs: { x-${K}: 1 } }]')}`,
      { env: { S: 'server', K: 'key: [' } },
    );
    expect(config?.server.listen.port).toBe(80);
    expect(config?.groups[0]?.templates[0]?.inputs).toEqual({ 'x-key: [': '1' });
  });

  it('are decoded by the type of their key', async () => {
    const env = { PORT: '5433', ON: 'yes', EVERY: '1m30s', BUFFER: '0x10', ZERO: '', DAYS: '-1' };
    const config = await loadGood(
      `${withLogin}
database: { driver: postgres, postgres: { host: h, database: d, port: $PORT } }
dispatcher: { enabled: \${ON}, interval: \${EVERY}, tracking_interval: $ZERO }
github: { rate_limit_buffer: \${BUFFER}, dispatch_rate: \${ZERO} }
history: { retention_days: \${DAYS} }
${oneGroup('name: ${PORT}')}`,
      { env },
    );
    expect(config.database).toMatchObject({ port: 5433 });
    expect(config.dispatcher).toMatchObject({
      enabled: true,
      intervalMs: 90_000,
      trackingIntervalMs: 30_000,
    });
    expect(githubOf(config).rateLimitBuffer).toBe(16);
    expect(config.history.retentionDays).toBeNull();
    expect(config.groups[0]?.name).toBe('5433');
  });

  it('may stand for a whole list or map, written as YAML or JSON', async () => {
    const env = {
      ORIGINS: '["http://a", http://b]',
      INPUTS: '{"el": "geth", "n": 1.10}',
      USERS: '[{username: u, password: "$ORIGINS"}]',
      SERVER: ' {listen: ":81"}',
    };
    const config = await loadGood(
      `auth: { basic: { enabled: true, users: $USERS } }
server: { cors_origins: \${ORIGINS} }
${oneGroup('workflow_dispatch_templates: [{ id: t, owner: o, repo: r, workflow_id: w, inputs: $INPUTS }]')}`,
      { env },
    );
    expect(config.server.corsOrigins).toEqual(['http://a', 'http://b']);
    expect(config.groups[0]?.templates[0]?.inputs).toEqual({ el: 'geth', n: '1.10' });
    expect(config.auth.basic.users[0]?.password.reveal()).toBe('$ORIGINS');
    expect((await loadGood(`${withLogin}server: \${SERVER}`, { env })).server.listen.port).toBe(81);
  });

  it('make no list out of text: a list in a text key stays text', async () => {
    const { description } = await describedAs('${A}', { A: '[a, b]' });
    expect(description).toBe('[a, b]');
  });

  it.each([
    ['server: { cors_origins: $X }', {}, 'the variable X is not set; set it, or write [a, b]'],
    [
      'server: { cors_origins: $X }',
      { X: 'word' },
      'the variable X must hold a list; write it as [a, b]',
    ],
    ['server: { cors_origins: $X }', { X: '{a: b}' }, 'the variable X must hold a list'],
    [
      'server: { cors_origins: $X }',
      { X: '[a, b' },
      'the variable X holds no list or map that can be read',
    ],
    ['server: { cors_origins: x$X }', { X: '[a]' }, 'is a single value, must be a list'],
    ['server: { cors_origins: "$X" }', { X: '[a]' }, 'is a single value, must be a list'],
    ['server: { listen: $X }', { X: 'topsecret' }, 'what "$X" stands for is not host:port'],
    ['github: { poll_interval: $X }', {}, '"$X" (the variable X is not set) is not a duration'],
    [
      'github: { rate_limit_buffer: $X }',
      { X: 'topsecret' },
      'what "$X" stands for is not a whole number',
    ],
    [
      'dispatcher: { enabled: $X }',
      { X: 'topsecret' },
      'what "$X" stands for is neither yes nor no',
    ],
  ])('%s with %j is refused, and no value is shown', async (text, env, message) => {
    const { problems } = await loadText(withLogin + text, { env });
    expect(problems.join('\n')).toContain(message);
    expect(problems.join('\n')).not.toContain('topsecret');
  });

  it('to variables that are not set stay as they are written, with a warning', async () => {
    const { description, warnings } = await describedAs('a ${NOPE} $nor', {});
    expect(description).toBe('a ${NOPE} $nor');
    expect(warnings).toEqual([
      'config.yaml:6:20: groups.github[0].description: the variable NOPE is not set; the text is taken as it is written',
      'config.yaml:6:20: groups.github[0].description: the variable nor is not set; the text is taken as it is written',
    ]);
  });
});

describe('variables that are not set', () => {
  const github = `auth:
  basic: { enabled: true, users: [{ username: a, password: p }] }
  github: { enabled: $ON, client_id: $ID, client_secret: $SECRET, redirect_url: $URL, org_role_mapping: { $ORG: $ROLE } }
`;

  it('are not spoken of in parts that are switched off', async () => {
    const { config, warnings } = await loadText(
      `${github}database: { postgres: { host: $H, port: $PORT, database: $D, password: $P } }
server: { rate_limit: { auth: { requests_per_minute: $LIMIT } } }`,
      { env: { ON: 'false', ROLE: 'admin' } },
    );
    expect(config?.database.driver).toBe('sqlite');
    expect(warnings).toEqual([]);
  });

  it('are in what switches a part on', async () => {
    const { problems } = await loadText(github, { env: { ROLE: 'admin' } });
    expect(problems).toEqual([expect.stringContaining('auth.github.enabled: "$ON" (the variable')]);
  });

  it('are in parts that are on', async () => {
    const { problems, warnings } = await loadText(
      `${withLogin}database: { driver: postgres, sqlite: { path: $FILE }, postgres: { host: h, database: $D, port: $PORT } }`,
    );
    expect(problems).toEqual([expect.stringContaining('database.postgres.port: "$PORT" (the')]);
    expect(warnings).toEqual([
      expect.stringContaining('database.postgres.database: the variable D'),
    ]);
  });
});

describe('secrets', () => {
  it.each([
    ['github: { token: "${NOPE}" }', 'github.token'],
    ['github: { runners_token: $NOPE }', 'github.runners_token'],
    [
      'database: { driver: postgres, postgres: { host: h, database: d, password: ${NOPE} } }',
      'database.postgres.password',
    ],
    [
      'auth: { github: { enabled: true, client_id: c, client_secret: ${NOPE} } }',
      'auth.github.client_secret',
    ],
    [withPassword('${NOPE}'), 'auth.basic.users[0].password'],
  ])('%s without that variable is an error that names it (defect #10)', async (text, key) => {
    const { problems } = await loadText(text.startsWith('auth') ? text : withLogin + text);
    expect(problems).toEqual([
      expect.stringMatching(
        /^config\.yaml:\d+:\d+: .*: the variable NOPE is not set; set it, or write the value here$/,
      ),
    ]);
    expect(problems[0]).toContain(`: ${key}: `);
  });

  it('that are not in use may name a variable that is not set', async () => {
    const { config, warnings } = await loadText(
      `${withLogin}database: { postgres: { password: $DB_PASSWORD } }`,
    );
    expect(config?.database.driver).toBe('sqlite');
    expect(warnings).toEqual([]);
  });

  it('keep a "$" of their own; the warning shows nothing of them', async () => {
    const { config, warnings } = await loadText(withPassword('pa$sword'));
    expect(config?.auth.basic.users[0]?.password.reveal()).toBe('pa$sword');
    expect(warnings).toEqual([
      expect.stringMatching(/^config\.yaml:1:66: auth\.basic\.users\[0\]\.password: holds a "\$"/),
    ]);
    expect(warnings.join()).not.toContain('$sword');
  });

  it.each([
    'a$B',
    'a #b',
    'a: b',
    '- a',
    '{',
    '"',
    "it's",
    '123',
    'null',
    '~',
    'true',
    '*a',
    '&a',
    '!x',
    '@',
    '%',
    '${B}',
    ' \\n',
  ])('survive whatever they contain: %j', async (value) => {
    const env = { PW: value, B: 'other' };
    expect(await passwordOf('${PW}', env)).toBe(value);
    expect(await passwordOf('"$PW"', env)).toBe(value);
    expect(await passwordOf("'${PW}'", env)).toBe(value);
  });

  it('may be empty where the file does not need them', async () => {
    const config = await loadGood(`${withLogin}github: { token: $T }`, { env: { T: '' } });
    expect(githubOf(config).token.isEmpty).toBe(true);
  });

  it('may not be an empty password', async () => {
    const { problems } = await loadText(withPassword('$PW'), { env: { PW: '' } });
    expect(problems).toEqual([
      expect.stringContaining('users[0].password: is empty, so anyone could log in'),
    ]);
  });

  it('lose the line break behind a token, but not a blank in a password', async () => {
    const env = { T: 'ghp_1\n', PW: '"quoted"' };
    const { config, warnings } = await loadText(`${withPassword('$PW')}github: { token: $T }`, {
      env,
    });
    expect(config?.forges[0]?.token.reveal()).toBe('ghp_1');
    expect(config?.forges[0]?.runnersToken.reveal()).toBe('ghp_1');
    expect(config?.auth.basic.users[0]?.password.reveal()).toBe('"quoted"');
    expect(warnings).toEqual([
      expect.stringContaining('users[0].password: comes from a variable with quotes'),
    ]);
  });
});

describe('whatever the variables hold', () => {
  const anyValue = fc.oneof(
    // An environment cannot hold U+0000, which ends each of its texts.
    fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0')),
    fc.string({
      unit: fc.constantFrom(
        '$',
        '{',
        '}',
        'A',
        ':',
        ' ',
        '\n',
        '-',
        '#',
        '"',
        "'",
        '[',
        ']',
        ',',
        '&',
        '*',
        '\t',
      ),
    }),
  );

  test.prop([fc.record({ A: anyValue, B: anyValue })], { numRuns: 200 })(
    'text is that value, and nothing else in the configuration moves',
    async ({ A, B }) => {
      const [template] = await loadGroupTemplates(
        `workflow_dispatch_templates:
  - id: t
    owner: o
    repo: r
    workflow_id: w
    inputs: { plain: x\${A}$B, double: "\${A}", single: '$B', last: here }
    name: n`,
        { env: { A, B } },
      );
      expect(template).toMatchObject({ id: 't', name: 'n' });
      expect(template?.inputs).toEqual({ plain: `x${A}${B}`, double: A, single: B, last: 'here' });
    },
  );
});
