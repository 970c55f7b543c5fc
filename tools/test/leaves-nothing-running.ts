import { setTimeout as wait } from 'node:timers/promises';
import { afterAll } from 'vitest';

/**
 * Fails a test file that leaves a timer, a server, a socket or a child process behind. Vitest kills the worker
 * without a word, so a leak would only show as a hanging or leaking program in production.
 *
 * Only what keeps a process alive counts: unref'ed handles (the idle keep-alive sockets of a client, say) do not.
 */
const watchedTypes: ReadonlySet<string> = new Set([
  'Timeout',
  'TCPServerWrap',
  'TCPSocketWrap',
  'TCPWRAP',
  'PipeServerWrap',
  'PipeWrap',
  'ProcessWrap',
  'UDPWrap',
  'Worker',
  'FSEventWrap',
  'StatWatcher',
]);

// A closed socket is gone only after its last packets: wait for it, but not for a test that forgot it.
const graceMs = 2_000;
const lookEveryMs = 20;

const before = countRunning();

afterAll(async () => {
  const giveUpAt = performance.now() + graceMs;
  let left = listLeft();
  while (left.length > 0 && performance.now() < giveUpAt) {
    await wait(lookEveryMs);
    left = listLeft();
  }
  if (left.length > 0) {
    throw new Error(
      `this test file leaves running: ${left.join(', ')}. Close it in the test or in afterEach/afterAll.`,
    );
  }
}, graceMs + 3_000);

function countRunning(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) {
    if (watchedTypes.has(type)) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return counts;
}

function listLeft(): string[] {
  const left: string[] = [];
  for (const [type, count] of countRunning()) {
    const extra = count - (before.get(type) ?? 0);
    if (extra > 0) left.push(`${String(extra)} × ${type}`);
  }
  return left;
}
