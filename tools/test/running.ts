import { setTimeout as wait } from 'node:timers/promises';

/**
 * What a program must end before it can exit. Only what keeps the process alive counts: unref'ed handles, such as
 * the idle keep-alive sockets of a client, do not.
 */
const watchedTypes: ReadonlySet<string> = new Set([
  'Timeout',
  'TCPServerWrap',
  'TCPSocketWrap',
  'TCPWRAP',
  'PipeServerWrap',
  'PipeWrap',
  'ProcessWrap',
  'UDPWRAP',
  'UDPWrap',
  'Worker',
  'FSEventWrap',
  'StatWatcher',
]);

// A closed socket is gone only after its last packets. Looks are counted, not timed: a test may have frozen the clock.
const looks = 1_000;
const lookEveryMs = 20;

/** How many of each kind run, by Node's name of the kind. */
export type Running = ReadonlyMap<string, number>;

export function countRunning(): Running {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) {
    if (watchedTypes.has(type)) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return counts;
}

/** What runs now and did not run before, as `1 × TCPServerWrap`. */
export function listStarted(before: Running): string[] {
  const started: string[] = [];
  for (const [type, count] of countRunning()) {
    const extra = count - (before.get(type) ?? 0);
    if (extra > 0) started.push(`${extra} × ${type}`);
  }
  return started;
}

/** What is left of listStarted() when everything had the time to end that was told to; 20 s at most. */
export async function listLeft(before: Running): Promise<string[]> {
  let left = listStarted(before);
  for (let look = 0; left.length > 0 && look < looks; look += 1) {
    await wait(lookEveryMs);
    left = listStarted(before);
  }
  return left;
}
