import { afterAll } from 'vitest';
import { countRunning, listLeft } from './running.ts';

/**
 * Fails a test file that leaves a timer, a server, a socket or a child process behind. Vitest ends the worker
 * without a word, so a leak would only show as a hanging program in production.
 */

// Both are opened at their first use, by whichever test writes first, and stay open.
for (const stream of [process.stdout, process.stderr]) stream.write('');

const before = countRunning();

afterAll(async () => {
  const left = await listLeft(before);
  if (left.length === 0) return;
  throw new Error(
    `this test file leaves running: ${left.join(', ')}. End it in the test, in afterEach or afterAll.`,
  );
}, 60_000);
