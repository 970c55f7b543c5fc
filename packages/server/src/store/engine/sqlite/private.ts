import { chmodSync, closeSync, openSync, statSync } from 'node:fs';

/** Hashes of passwords and sessions, inputs of jobs: for nobody but who runs the server. */
export const PRIVATE = 0o600;
const OTHERS = 0o077;

/** Creates an empty file if there is none. An existing one is not touched: to open and close it would drop SQLite's locks. */
export function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', PRIVATE));
  } catch {
    // It is there, or the folder takes no files: SQLite's own error says so.
  }
}

/** @returns false where others may go on reading it: the file is another user's, or its file system knows no modes */
export function tryMakePrivate(path: string): boolean {
  try {
    const isWide = (): boolean => (statSync(path).mode & OTHERS) !== 0;
    if (isWide()) chmodSync(path, PRIVATE);
    return !isWide();
  } catch {
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  }
}
