import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { FakeClock } from '../lib/clock.testkit.ts';
import { choosePort } from './demo/free-port.ts';
import { type DemoOptions, runDemo } from './demo.ts';
import { addDemoCommand } from './demo-command.ts';

const options = (more: Partial<DemoOptions>): DemoOptions => ({
  ...{ jobs: 1, kill: 0, port: undefined, stateFolder: undefined, seed: 1, isTty: false },
  output: { write: () => undefined },
  clock: new FakeClock(),
  signal: new AbortController().signal,
  ...more,
});

async function takePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

// commander imports node:process as a whole, and with it opens the standard input.
afterAll(() => {
  process.stdin.destroy();
});

describe('dispatchoor demo', () => {
  it('refuses a folder that is not empty: the runs of an earlier demo are gone', async () => {
    const stateFolder = await mkdtemp(join(tmpdir(), 'dispatchoor-demo-test-'));
    onTestFinished(() => rm(stateFolder, { recursive: true }));
    await writeFile(join(stateFolder, 'dispatchoor.db'), '');
    await expect(runDemo(options({ stateFolder }))).rejects.toThrow(
      /--state: .*is not empty \(dispatchoor\.db\); name a new or an empty folder/,
    );
  });

  it('refuses a port that was asked for and is in use', async () => {
    const port = await takePort();
    await expect(runDemo(options({ port }))).rejects.toThrow(`--port: ${port} is in use`);
  });

  it('takes 9090 or one after it when no port is asked for', async () => {
    expect(await choosePort(undefined)).toBeGreaterThanOrEqual(9_090);
  });

  it.each([
    ['--jobs', '0'],
    ['--jobs', 'many'],
    ['--kill', '-1'],
    ['--port', '1.5'],
  ])('refuses %s %s before it starts anything', async (flag, value) => {
    const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
    addDemoCommand(program);
    for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);
    await expect(
      program.parseAsync(['demo', `${flag}=${value}`], { from: 'user' }),
    ).rejects.toThrow(/whole number/);
  });
});
