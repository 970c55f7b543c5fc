/**
 * Compiling TypeScript is most of a start: its result is kept, in a folder of the user's own, where nobody else can
 * put code. Node compiles anew what has changed since. Without such a folder the start is slow, and no more.
 */
import { mkdirSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** One at a time: making all parents at once never returns where a file system refuses them, as under /proc. */
function ensureFolder(path) {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  return path;
}

try {
  const { NODE_COMPILE_CACHE, XDG_CACHE_HOME } = process.env;
  // Who has set that has chosen a folder already.
  if (NODE_COMPILE_CACHE === undefined) {
    const root = ensureFolder(XDG_CACHE_HOME || join(homedir(), '.cache'));
    const own = ensureFolder(join(root, 'dispatchoor'));
    module.enableCompileCache(ensureFolder(join(own, 'compiled')));
  }
} catch {
  // No home, or none that can be written to.
}
