import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Child, type ChildOptions } from './child.ts';

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dispatchoor-testbed-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

async function optionsFor(program: string): Promise<ChildOptions> {
  const folder = await makeFolder();
  const file = join(folder, 'program.mjs');
  await writeFile(file, program);
  return { name: 'program', args: [file], cwd: folder, logFile: join(folder, 'program.log') };
}

describe('a child', () => {
  it('has all it printed in its log file when it has exited, whether or not somebody reads it', async () => {
    const options = await optionsFor("console.log('a'); console.error('b'); process.exitCode = 3;");
    const lines: string[] = [];
    for (const more of [{}, { onLine: (line: string) => lines.push(line) }]) {
      const child = new Child({ ...options, ...more });
      expect(await child.exited).toEqual({ code: 3, signal: null });
    }
    expect(lines.toSorted()).toEqual(['a', 'b']);
    const log = await readFile(options.logFile, 'utf8');
    expect(log.split('\n').toSorted()).toEqual(['', 'a', 'a', 'b', 'b']);
  });

  it('says what it printed last, without chatter', async () => {
    const options = await optionsFor("console.log('why'); console.log('chat');");
    const child = new Child({ ...options, isChatter: (line) => line === 'chat' });
    await child.exited;
    expect(child.lastLines).toEqual(['why']);
  });

  it('that cannot be started has exited, and its last line says why', async () => {
    const options = await optionsFor('');
    const child = new Child({ ...options, cwd: join(options.cwd, 'nowhere') });
    expect(await child.exited).toEqual({ code: null, signal: null });
    expect(child.lastLines.join()).toContain('ENOENT');
    expect(() => child.pid).toThrow('program could not be started');
  });

  it('hears and is heard', async () => {
    const echo =
      "process.on('message', (m) => { process.send(m); process.exit(); }); process.channel.ref();";
    const child = new Child(await optionsFor(echo));
    const heard = new Promise((resolve) => child.onMessage(resolve));
    child.send({ count: 7 });
    expect(await heard).toEqual({ count: 7 });
    await child.exited;
  });

  it('ends when its parent is killed', async () => {
    const folder = await makeFolder();
    const { port, line } = await holdLine();
    const program = join(folder, 'program.mjs');
    // Its end closes the connection: a process number alone may be that of a dead one whom nobody buried.
    await writeFile(program, `import { connect } from 'node:net'; connect(${port}, '127.0.0.1');`);
    const parent = join(folder, 'parent.mjs');
    const child = pathToFileURL(join(import.meta.dirname, 'child.ts')).href;
    const logFile = join(folder, 'log');
    const options = { name: 'server', args: [program], cwd: folder, env: {}, logFile };
    await writeFile(
      parent,
      `import { Child } from '${child}'; new Child(${JSON.stringify(options)});`,
    );
    const parentProcess = spawn(process.execPath, [parent], { stdio: 'ignore' });
    const connection = await line;
    const cut = once(connection.resume(), 'close');
    parentProcess.kill('SIGKILL');
    await cut;
  });
});

/** Takes one connection. */
async function holdLine() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  const line = once(server, 'connection').then(([socket]) => socket as Socket);
  return { port: (server.address() as AddressInfo).port, line };
}
