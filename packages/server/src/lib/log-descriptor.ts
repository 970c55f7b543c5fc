import { constants, fstatSync, openSync } from 'node:fs';

const { O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants;

/**
 * A descriptor of the same file, pipe or terminal as the standard output, on which no write waits for a reader. Another
 * one than 1 where that can be had: the flag belongs to all who share the descriptor, a shell's other commands too.
 *
 * @param stdout gives `process.stdout`; asked only where Node has to make 1 itself one that does not wait
 */
export function openLogDescriptor(stdout: () => unknown): number {
  try {
    // A file takes what it gets; opened anew it would have a position of its own, and overwrite what others have written.
    if (fstatSync(1).isFile()) return 1;
    return openSync('/proc/self/fd/1', O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    // A socket, another user's pipe, or a system without /proc.
    stdout();
    return 1;
  }
}
