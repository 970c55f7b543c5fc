import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { loadGroupTemplates, loadText, oneGroup, withLogin } from './config.testkit.ts';

const template = (id: string, more = '') =>
  `- { id: ${id}, owner: o, repo: r, workflow_id: w, ${more} }\n`;

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

/** A request of its own connection each, so that none is left open when the test ends. */
const fetchOnce: typeof fetch = (input, init) =>
  fetch(input, {
    ...init,
    headers: { ...(init?.headers as Record<string, string>), connection: 'close' },
  });

const answers =
  (
    replies: Readonly<Record<string, [status: number, body: string]>>,
    seen: IncomingMessage[] = [],
  ): RequestListener =>
  (request, response) => {
    seen.push(request);
    const [status, body] = replies[request.url ?? ''] ?? [404, ''];
    response
      .writeHead(status, status === 302 ? { location: body } : {})
      .end(status === 302 ? '' : body);
  };

it('appends files, then URLs, to the inline templates, each in the order written', async () => {
  const origin = await serve(answers({ '/a': [302, '/b'], '/b': [200, template('u1')] }));
  const templates = await loadGroupTemplates(
    `workflow_dispatch_templates_urls: ["${origin}/a"]
workflow_dispatch_templates_files: [sub/two.yaml, ./one.yaml]
workflow_dispatch_templates:
  ${template('i1')}`,
    {
      files: { 'one.yaml': template('f1'), 'sub/two.yaml': template('f2') + template('f3') },
      fetch: fetchOnce,
    },
  );
  expect(templates.map(({ id, sourceType, sourcePath }) => [id, sourceType, sourcePath])).toEqual([
    ['i1', 'inline', ''],
    ['f2', 'file', 'sub/two.yaml'],
    ['f3', 'file', 'sub/two.yaml'],
    ['f1', 'file', './one.yaml'],
    ['u1', 'url', `${origin}/a`],
  ]);
});

it.each(['', '\n# none\n', '---\n', '[]', 'null'])(
  'takes %j for a file without templates',
  async (content) => {
    const files = { 'none.yaml': content };
    expect(
      await loadGroupTemplates('workflow_dispatch_templates_files: [none.yaml]', { files }),
    ).toEqual([]);
  },
);

it('fills references into files, keys and all, but into nothing that was fetched (defect #11)', async () => {
  const body = `- id: "x\${ID}"\n  owner: o\n  repo: r\n  workflow_id: w\n  inputs:\n    $K: \${V}\n`;
  const origin = await serve(answers({ '/t': [200, body] }));
  const env = { ID: '1', K: 'key', V: 'top: secret' };
  const [file, url] = await loadGroupTemplates(
    `workflow_dispatch_templates_files: [t.yaml]\nworkflow_dispatch_templates_urls: [${origin}/t]`,
    { files: { 't.yaml': body }, env, fetch: fetchOnce },
  );
  expect(file).toMatchObject({ id: 'x1', inputs: { key: 'top: secret' } });
  expect(url).toMatchObject({ id: 'x${ID}', inputs: { $K: '${V}' } });
});

it('reports what is wrong in a file or a body with its own lines; a body only warns, and is left out', async () => {
  const origin = await serve(answers({ '/t': [200, `${template('a')}- id: b\n`] }));
  const { problems, warnings } = await loadText(
    withLogin +
      oneGroup(`workflow_dispatch_templates: [{ id: c, owner: o, repo: r, workflow_id: w }]
workflow_dispatch_templates_files: [sub/t.yaml, map.yaml, broken.yaml]
workflow_dispatch_templates_urls: [${origin}/t]`),
    {
      files: {
        'sub/t.yaml': `${template('c')}${template('d', 'inputs: [x], work: y')}`,
        'map.yaml': 'id: x\n',
        'broken.yaml': '- {\n',
      },
      fetch: fetchOnce,
    },
  );
  expect(problems).toEqual([
    expect.stringMatching(/^sub\/t\.yaml:1:9: \[0\]\.id: "c" is taken: .* config\.yaml:6 has it/),
    expect.stringMatching(/^sub\/t\.yaml:2:\d+: \[1\]\.inputs: is a list, must be a map/),
    expect.stringMatching(/^map\.yaml:1:1: is a map, must be a list/),
    expect.stringMatching(/^broken\.yaml:\d:\d: not YAML: /),
  ]);
  expect(warnings).toEqual([
    expect.stringMatching(`^config.yaml:8:\\d+: groups.*_urls\\[0\\]: cannot use ${origin}/t \\(`),
    expect.stringMatching(/^sub\/t\.yaml:2:\d+: \[1\]\.work: unknown key/),
    ...['owner', 'repo', 'workflow_id'].map((key): unknown =>
      expect.stringMatching(`^${origin}/t:2:3: \\[1\\]\\.${key}: is missing`),
    ),
  ]);
});

it('names the file that cannot be read', async () => {
  const { problems } = await loadText(
    withLogin + oneGroup('workflow_dispatch_templates_files: [no.yaml]'),
  );
  expect(problems).toEqual([
    'config.yaml:6:43: groups.github[0].workflow_dispatch_templates_files[0]: cannot read no.yaml (ENOENT); paths start at the configuration file',
  ]);
});

it.each([
  ['/404', 'HTTP 404'],
  ['/500', 'HTTP 500'],
  ['/201', 'HTTP 201'],
])('takes nothing that is not 200, and stops nothing: %s', async (path, reason) => {
  const origin = await serve(
    answers({ '/500': [500, template('a')], '/201': [201, template('a')] }),
  );
  const { config, warnings } = await loadText(
    withLogin + oneGroup(`workflow_dispatch_templates_urls: ["${origin}${path}"]`),
    {
      fetch: fetchOnce,
    },
  );
  const said = `workflow_dispatch_templates_urls[0]: cannot load ${origin}${path} (${reason})`;
  expect(warnings).toEqual([expect.stringContaining(`${said}; its templates stay as they were`)]);
  expect(config?.groups[0]).toMatchObject({
    templates: [],
    unreadSources: [
      {
        sourcePath: origin + path,
        problem: expect.stringContaining(`${said}, and no start before`),
      },
    ],
  });
});

it('warns of a server that is not there, refuses another scheme and what is no URL', async () => {
  const { problems, warnings } = await loadText(
    withLogin +
      oneGroup(
        'workflow_dispatch_templates_urls: ["http://127.0.0.1:1/t", "file:///etc/passwd", word]',
      ),
    { fetch: fetchOnce },
  );
  expect(problems).toEqual([
    expect.stringContaining('_urls[1]: file:///etc/passwd is no http or https address;'),
    expect.stringContaining('_urls[2]: word is no http or https address;'),
  ]);
  expect(warnings).toEqual([
    expect.stringMatching(/_urls\[0\]: cannot load http:\/\/127\.0\.0\.1:1\/t \(.+\);/),
  ]);
});

it('gives up after 30 s, and on a body without an end', async () => {
  const signals: (AbortSignal | null | undefined)[] = [];
  const chunk = new Uint8Array(1024 * 1024).fill(32);
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(chunk),
  });
  const text = withLogin + oneGroup('workflow_dispatch_templates_urls: ["http://h/t"]');
  const slow = await loadText(text, {
    fetch: (_, init) => {
      signals.push(init.signal);
      return Promise.reject(new DOMException('timed out', 'TimeoutError'));
    },
  });
  expect(slow.warnings).toEqual([expect.stringContaining('(no answer within 30 s)')]);
  expect(signals[0]).toBeInstanceOf(AbortSignal);
  const long = await loadText(text, { fetch: () => Promise.resolve(new Response(endless)) });
  expect(long.warnings).toEqual([expect.stringContaining('(more than 1 MiB)')]);
});

it('shows no token that is written into an address', async () => {
  const origin = await serve(answers({ '/ok?token=top&v=2': [200, template('a')] }));
  const urls = `workflow_dispatch_templates_urls: ["${origin}/ok?token=top&v=2", "${origin}/no?token=top"]`;
  const { warnings } = await loadText(withLogin + oneGroup(urls), { fetch: fetchOnce });
  expect(warnings).toEqual([
    expect.stringContaining(`cannot load ${origin}/no?token=*** (HTTP 404)`),
  ]);
  const good = await loadGroupTemplates(urls.replace(/, "[^"]*"/, ''), { fetch: fetchOnce });
  expect(good.map(({ sourcePath }) => sourcePath)).toEqual([`${origin}/ok?token=***&v=2`]);
});

it('shows no secret of an address, but uses it', async () => {
  const seen: IncomingMessage[] = [];
  const origin = await serve(
    answers({ '/ok?token=top': [200, template('a')], '/ok': [200, template('b')] }, seen),
  );
  const withUser = origin.replace('//', '//user:p%40ss@');
  const urls = `workflow_dispatch_templates_urls: ["${origin}/ok?token=\${T}", "${withUser}/ok", "${withUser}/no?t=$T"]`;
  const { warnings } = await loadText(withLogin + oneGroup(urls), {
    env: { T: 'top' },
    fetch: fetchOnce,
  });
  expect(warnings).toEqual([expect.stringContaining(`cannot load ${origin}/no?… (HTTP 404)`)]);
  const authorization = seen.map(({ headers }) => headers.authorization);
  expect(authorization).toContain(`Basic ${Buffer.from('user:p@ss').toString('base64')}`);
  const good = await loadGroupTemplates(urls.replace(/, "[^"]*\$T"/, ''), {
    env: { T: 'top' },
    fetch: fetchOnce,
  });
  expect(good.map(({ sourcePath }) => sourcePath)).toEqual([`${origin}/ok?…`, `${origin}/ok`]);
});
