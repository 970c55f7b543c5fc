import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** The first empties the young generation, the second gives its pages back. */
const ROUNDS = 2;

/**
 * Collects what loading the program has left, about 40 ms of work a round. Most of what is loaded stays, which makes
 * the young generation grow to its largest: without this an idle process keeps tens of MB of it for good. Under load
 * it grows again.
 */
export async function releaseStartGarbage(): Promise<void> {
  const collect = findCollector();
  for (let round = 0; round < ROUNDS; round += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    collect?.({ type: 'major', execution: 'sync' });
  }
}

/** Node has no other way to it than a flag that new contexts see. */
function findCollector(): NodeJS.GCFunction | undefined {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('globalThis.gc');
  setFlagsFromString('--no-expose-gc');
  return typeof found === 'function' ? (found as NodeJS.GCFunction) : undefined;
}
