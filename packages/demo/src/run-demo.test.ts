import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@dispatchoor/testbed';
import { describe, expect, it, onTestFinished } from 'vitest';
import { choosePort } from './free-port.ts';
import { type DemoOptions, runDemo } from './run-demo.ts';

const options = (more: Partial<DemoOptions>): DemoOptions => ({
  ...{ jobs: 1, kill: 0, port: undefined, stateFolder: undefined, seed: 1, isTty: false },
  output: { write: () => undefined },
  clock: systemClock,
  serverProgram: '',
  env: {},
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
});
