import { readFileSync } from 'node:fs';

/** How many files and sockets this process may have open at a time; `undefined` where the system does not tell so, or sets no limit. */
export function findDescriptorLimit(
  readLimits: () => string = () => readFileSync('/proc/self/limits', 'utf8'),
): number | undefined {
  try {
    // proc_pid_limits(5): the soft limit comes first, which is what counts; Node has raised it to the hard one.
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readLimits()) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
