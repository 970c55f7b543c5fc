import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type App, startApp } from '../src/app.ts';
import { loadConfig } from '../src/config/load.ts';
import { makeLogger } from '../src/lib/logger.ts';
import { Api } from './harness/api.ts';

const template = (id: string) => `- { id: ${id}, owner: o, repo: r, workflow_id: w }\n`;
const build = { version: 'test', gitCommit: '', buildDate: '' };

/** A server whose templates come from a URL, and one beside it whose answer the test decides. */
class Source {
  readonly #folder: string;
  readonly #origin: string;
  readonly logLines: string[] = [];
  answer: { status: number; body: string } = { status: 200, body: '' };

  private constructor(folder: string, origin: string) {
    this.#folder = folder;
    this.#origin = origin;
  }

  static async open(): Promise<Source> {
    const folder = await mkdtemp(join(tmpdir(), 'dispatchoor-urls-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const server = createServer((_, response) => {
      response.writeHead(fixture.answer.status, { connection: 'close' }).end(fixture.answer.body);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(async () => {
      server.close();
      await once(server, 'close');
    });
    const { port } = server.address() as AddressInfo;
    const fixture = new Source(folder, `http://127.0.0.1:${port}`);
    return fixture;
  }

  /** Runs a server for as long as `look` does. */
  async withServer<T>(look: (api: Api) => Promise<T>): Promise<T> {
    const app = await this.#start();
    try {
      const api = new Api(() => app.url);
      await api.login('a', 'p');
      return await look(api);
    } finally {
      await app.close();
    }
  }

  async #start(): Promise<App> {
    const path = join(this.#folder, 'config.yaml');
    await writeFile(path, this.#config());
    const warn = (line: string): void => void this.logLines.push(line);
    const { config } = await loadConfig({ path, env: {}, fetch, warn });
    return startApp(config, { logger: makeLogger('silent', { write: () => undefined }), build });
  }

  #config(): string {
    return `
server: { listen: "127.0.0.1:0" }
database: { sqlite: { path: ${join(this.#folder, 'dispatchoor.db')} } }
github: { token: x, base_url: "http://127.0.0.1:1" }
auth: { basic: { enabled: true, users: [{ username: a, password: p, role: admin }] } }
groups:
  github:
    - { id: far, runner_labels: [x], workflow_dispatch_templates_urls: ["${this.#origin}/t"] }
    - { id: near, runner_labels: [x], workflow_dispatch_templates: [{ id: n, owner: o, repo: r, workflow_id: w }] }
`;
  }
}

async function templatesOf(api: Api, group: string): Promise<unknown> {
  const templates = await api.templates(group);
  return templates.map(({ id, in_config: inConfig }) => [id, inConfig]);
}

const templatesFar = (api: Api): Promise<unknown> => templatesOf(api, 'far');

it.each([
  ['that answers 503', { status: 503, body: '' }, 'HTTP 503'],
  ['whose body is no list of templates', { status: 200, body: '- { id: t1, owner: ' }, 'not YAML'],
  ['whose body lacks what a template needs', { status: 200, body: '- { id: t1 }' }, 'is missing'],
])(
  'a template URL %s at a restart stops nothing: its last copy is used',
  async (_, bad, reason) => {
    const fixture = await Source.open();
    fixture.answer = { status: 200, body: template('t1') + template('t2') };
    const read = (api: Api) => Promise.all([templatesOf(api, 'far'), templatesOf(api, 'near')]);
    const before = await fixture.withServer(read);
    expect(before).toEqual([
      [
        ['t1', true],
        ['t2', true],
      ],
      [['n', true]],
    ]);
    fixture.answer = bad;
    expect(await fixture.withServer(read)).toEqual(before);
    expect(fixture.logLines.join('\n')).toMatch(
      new RegExp(`${reason}.*; its templates stay as they were`),
    );
    fixture.answer = { status: 200, body: template('t2') };
    expect(await fixture.withServer(templatesFar)).toEqual([['t2', true]]);
  },
);

it('a template URL that was never read stops the start, and is named', async () => {
  const fixture = await Source.open();
  fixture.answer = { status: 404, body: '' };
  await expect(fixture.withServer(templatesFar)).rejects.toThrow(
    /config\.yaml:8:\d+: groups\.github\[0\]\.workflow_dispatch_templates_urls\[0\]: cannot load .* \(HTTP 404\), and no start before has read it; check/,
  );
});
