import { statSync } from 'node:fs';
import { StoreError } from '../../port/store.ts';

/** What SQLite and we keep at a path: the database, its log with the index of it, and our lock. */
const SUFFIXES = ['', '-wal', '-shm', '.lock'];

/**
 * Open files outlive their names: after a restored backup, or a log that somebody deleted, SQLite goes on writing into
 * files that nobody will ever find again, and a second server may open what is at the path now.
 *
 * Only looks at names. Opening and closing one of these files would drop the locks that this process has on it.
 */
export class SameFiles {
  readonly #path: string;
  readonly #opened: ReadonlyMap<string, string>;
  /** Why nothing is written until a restart: while the file was away, somebody else may have written into it. */
  #fault: string | undefined;

  /** @param path a database that is open, its log too */
  constructor(path: string) {
    this.#path = path;
    this.#opened = new Map(SUFFIXES.map((suffix) => [suffix, identify(path + suffix)]));
  }

  /** @throws StoreError `unavailable` for good, once another file, or none, was seen where one of ours was opened */
  check(): void {
    this.#fault ??= this.#findFault();
    if (this.#fault !== undefined) throw new StoreError('unavailable', this.#fault);
  }

  #findFault(): string | undefined {
    for (const [suffix, opened] of this.#opened) {
      if (identify(this.#path + suffix) === opened) continue;
      const what = suffix === '' ? 'the database file' : `its file ${this.#path}${suffix}`;
      return `database ${this.#path}: ${what} was moved, deleted or replaced while it was in use, so nothing is written until a restart: move it back first, or start on the files that are there now`;
    }
    return undefined;
  }
}

function identify(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? 'none' : `${found.dev}:${found.ino}`;
}
