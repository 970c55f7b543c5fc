import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import { StoreError } from '../../port/store.ts';
import { type RetryDelay, retrying } from '../commit/retrying.ts';
import { findSqliteCode, SQLITE_BUSY, SqliteFile } from './file.ts';

/** A shell or a backup that looks at the file for a moment is waited for. */
const PATIENCE_MS = 10_000;
const DELAY: RetryDelay = { firstMs: 20, longestMs: 200 };

/**
 * Whoever has an SQLite database open holds a shared lock on the file itself, whatever name it was opened by: the file
 * was renamed under a running server, say. Such a server keeps its log under the other name, where neither finds what the
 * other has committed. So nobody else may have the file while we open it; who comes after us finds our log.
 *
 * @param path the database's, which this process has not opened yet
 * @throws StoreError `unavailable` while another program has it open
 */
export async function waitUntilAlone(path: string, clock: Clock, logger: Logger): Promise<void> {
  let isLogged = false;
  const log = (): void => {
    if (!isLogged) logger.info({ path }, 'another program has the database file open: waiting');
    isLogged = true;
  };
  const findDelay = (error: unknown): RetryDelay | undefined => {
    if (findSqliteCode(error) !== SQLITE_BUSY) return undefined;
    log();
    return DELAY;
  };
  try {
    await retrying({ clock, findDelay, giveUpAfterMs: PATIENCE_MS }, async () => {
      lockForAMoment(path);
    });
  } catch (cause) {
    // A file that we may only read, say: to open it fails too, and tells better what is wrong.
    if (findSqliteCode(cause) !== SQLITE_BUSY) return;
    throw new StoreError(
      'unavailable',
      `database ${path}: another program has the file open, maybe a server that opened it under another name: stop that program and start again (fuser ${path} names it); a backup that reads along may be started once the server runs`,
      { cause },
    );
  }
}

/** In this locking mode a database with a log takes its exclusive lock too, which no other lock on the file allows. */
function lockForAMoment(path: string): void {
  const file = new SqliteFile(path, { isReadOnly: false, busyTimeoutMs: 0 });
  try {
    file.exec('pragma locking_mode = exclusive; begin exclusive; rollback');
  } finally {
    file.close();
  }
}
