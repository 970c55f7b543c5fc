import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Collects what the start has left, about 120 ms of work. Most of what is loaded stays, so the young generation grows
 * to its largest: without this an idle process keeps tens of MB of it. Only a collection as before a lack of memory
 * shrinks it at once; under load it grows again.
 */
export function releaseStartGarbage(): void {
  findCollector()?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

/** Node has no other way to it than a flag that new contexts see. */
function findCollector(): NodeJS.GCFunction | undefined {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('globalThis.gc');
  setFlagsFromString('--no-expose-gc');
  return typeof found === 'function' ? (found as NodeJS.GCFunction) : undefined;
}
