import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { countRunning, listLeft, listStarted } from './running.ts';

describe('what a test leaves running', () => {
  it('is nothing when nothing was started', () => {
    expect(listStarted(countRunning())).toEqual([]);
  });

  it('is a server until it is closed', async () => {
    const before = countRunning();
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    expect(listStarted(before)).toEqual(['1 × TCPServerWrap']);
    server.close();
    await once(server, 'close');
    expect(await listLeft(before)).toEqual([]);
  });

  it('is a timer until it is cleared', async () => {
    const before = countRunning();
    const timer = setInterval(() => undefined, 60_000);
    expect(listStarted(before)).toEqual(['1 × Timeout']);
    clearInterval(timer);
    expect(await listLeft(before)).toEqual([]);
  });

  it('is a child process until it has ended', async () => {
    const before = countRunning();
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    expect(listStarted(before)).toContain('1 × ProcessWrap');
    child.stdin.end();
    await once(child, 'close');
    expect(await listLeft(before)).toEqual([]);
  });
});
