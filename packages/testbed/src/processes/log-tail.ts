import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** A log may be large: why its program ended stands in its last lines. */
const TAIL_BYTES = 65_536;
const LAST_LINES = 20;

/** @returns the last lines of a log file that say something, oldest first */
export function lastLines(
  logFile: string,
  isChatter: (line: string) => boolean = () => false,
): string[] {
  const lines = readTail(logFile).split('\n');
  return lines.filter((line) => line !== '' && !isChatter(line)).slice(-LAST_LINES);
}

function readTail(file: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    const read = readSync(descriptor, tail, 0, tail.length, size - tail.length);
    return tail.toString('utf8', 0, read);
  } finally {
    closeSync(descriptor);
  }
}
