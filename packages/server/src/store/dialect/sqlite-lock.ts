import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { StoreError } from '../port/store.ts';
import { findSqliteCode, SQLITE_BUSY, SqliteFile } from './sqlite-file.ts';

/**
 * One server per database file: `begin exclusive` on `<db>.lock`, held until close. The operating system lets go of
 * it with the process, whatever ends that, so there is no stale lock to clear by hand. Who holds it is written
 * beside it (`<db>.lock.holder`), because a file locked like this cannot be read.
 *
 * @throws StoreError `unavailable`, naming the holder
 */
export function lockSqlite(databasePath: string, now: number): () => void {
  // A link is another name for the same file: the lock must stand beside the file itself.
  const path = `${realPathOf(databasePath)}.lock`;
  const holderPath = `${path}.holder`;
  const file = new SqliteFile(path, { isReadOnly: false, busyTimeoutMs: 0 });
  try {
    file.exec('begin exclusive');
  } catch (error) {
    file.close();
    if (findSqliteCode(error) !== SQLITE_BUSY) throw error;
    throw new StoreError(
      'unavailable',
      `database ${databasePath} is in use by ${readHolder(holderPath)}: stop it first, or use PostgreSQL to run several servers`,
      { cause: error },
    );
  }
  const startedAt = new Date(now).toISOString();
  try {
    writeFileSync(holderPath, `process ${process.pid} on ${hostname()}, started ${startedAt}`);
  } catch (error) {
    file.close();
    throw error;
  }
  return () => {
    rmSync(holderPath, { force: true });
    file.close();
  };
}

function realPathOf(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const folder = dirname(path);
  return join(existsSync(folder) ? realpathSync(folder) : folder, basename(path));
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return 'another process';
  }
}
