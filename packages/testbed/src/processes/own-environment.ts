import type { Environment } from './child.ts';

/** A copy of this process's environment, to start others with. */
export function ownEnvironment(): Environment {
  return { ...process.env };
}
