import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { signatureOf, startReceiver } from './hooks/receiver.testkit.ts';
import type { Ledger } from './index.ts';
import { smallWorld } from './sim.testkit.ts';

const bin = new URL('../bin/forge-sim.js', import.meta.url).pathname;

function start(...args: string[]): ChildProcess & { stdout: NodeJS.ReadableStream } {
  const child = spawn(process.execPath, [bin, '--port', '0', ...args], { stdio: 'pipe' });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return child;
}

async function outputOf(child: ChildProcess): Promise<{ code: unknown; stderr: string }> {
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = await once(child, 'close');
  return { code, stderr };
}

function fileOf(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'forge-sim-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'file');
  writeFileSync(file, content);
  return file;
}

describe('the program', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'serves its world until %s, then exits 0',
    async (signal) => {
      const child = start('--world', fileOf(JSON.stringify(smallWorld)), '--validate');
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const first = String((await lines.next()).value);
      const url = /^forge-sim listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(first)?.[1] ?? '';
      const second = String((await lines.next()).value);
      expect(second).toContain(`curl -s -X POST ${url}/repos/acme/app/actions/workflows/ci.yml`);
      const health = await fetch(`${url}/_sim/health`);
      expect(await health.json()).toMatchObject({ url });
      child.kill(signal);
      expect(await once(child, 'exit')).toEqual([0, null]);
    },
  );

  it('sends webhooks to the URL of its command line, signed with the secret of a file', async () => {
    const receiver = await startReceiver();
    const secretFile = fileOf('a secret\n');
    const child = start('--webhook-url', receiver.url, '--webhook-secret-file', secretFile);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const url = String((await lines.next()).value).replace('forge-sim listening on ', '');
    await expect
      .poll(async () => (await (await fetch(`${url}/_sim/ledger`)).json()) as Ledger)
      .toMatchObject({ deliveryCounts: { total: 1, accepted: 1 } });
    const [ping] = receiver.received;
    expect(ping?.headers['x-hub-signature-256']).toBe(signatureOf('a secret', ping?.raw ?? ''));
  });

  it.each([
    [['--speed', '3'], "Unknown option '--speed'"],
    [['--world', '/no/such/file'], '--world: /no/such/file: ENOENT'],
  ])('refuses %j with exit code 1', async (args, problem) => {
    const { code, stderr } = await outputOf(start(...args));
    expect(code).toBe(1);
    expect(stderr).toContain(problem);
    expect(stderr).not.toContain('    at ');
  });

  it('refuses a world that is wrong, naming the place', async () => {
    const file = fileOf('{"repos":[{"owner":"x"}]}');
    const { code, stderr } = await outputOf(start('--world', file));
    expect(code).toBe(1);
    expect(stderr).toContain("--world: world.repos[0]: must have required property 'name'");
  });
});
