import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@dispatchoor/testbed';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ChildFailure, DemoProcesses } from './processes.ts';

/** Runs until it is ended; answers SIGTERM. */
const STAYS = `
  const timer = setInterval(() => {}, 1_000);
  process.once('SIGTERM', () => { console.log('ended well'); clearInterval(timer); });
  console.log('listening on http://127.0.0.1:1');
`;

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dispatchoor-demo-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

async function setUp(program: string) {
  const folder = await makeFolder();
  const file = join(folder, 'program.mjs');
  await writeFile(file, program);
  const logFile = join(folder, 'program.log');
  const processes = new DemoProcesses(systemClock);
  onTestFinished(() => processes.stop());
  const options = { name: 'server', args: [file], cwd: folder, env: process.env, logFile };
  return { processes, options, readLog: () => readFile(logFile, 'utf8') };
}

describe('the processes of a demo', () => {
  it('are asked to end, and may finish', async () => {
    const { processes, options, readLog } = await setUp(STAYS);
    expect(await processes.startForgeSim(options)).toBe('http://127.0.0.1:1');
    await processes.stop();
    expect(await readLog()).toContain('ended well');
  });

  it('report one that ends by itself, with what it said last', async () => {
    const program = "console.error('no disk'); console.log('chat'); process.exitCode = 3;";
    const { processes, options } = await setUp(program);
    const child = { ...options, isChatter: (line: string) => line === 'chat' };
    const failure = processes.startServer(child, () => Promise.resolve(false));
    await expect(failure).rejects.toThrow(ChildFailure);
    await expect(failure).rejects.toThrow(
      /server has ended by itself, with exit code 3.*no disk$/s,
    );
  });

  it('start a killed server again, which is no failure', async () => {
    const { processes, options, readLog } = await setUp(STAYS);
    const lines = async () => (await readLog()).split('\n').filter((line) => line !== '').length;
    const isReady = async () => (await lines().catch(() => 0)) === 1;
    await processes.startServer(options, isReady);
    await processes.killServer();
    // Two Node programs start in that time, on a machine that may be busy.
    await expect.poll(lines, { timeout: 60_000 }).toBe(2);
    const outcome = await Promise.race([processes.failure, Promise.resolve('running')]);
    expect(outcome).toBe('running');
    await processes.stop();
    expect(await readLog()).toContain('ended well');
  });
});
