import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { StoreError } from '../../port/store.ts';
import { findSqliteCode, SQLITE_BUSY, SqliteFile } from './file.ts';
import { createPrivate, PRIVATE, tryMakePrivate } from './private.ts';

/**
 * One server per database file: `begin exclusive` on `<db>.lock`, held until close. The operating system lets go of
 * it with the process, whatever ends that, so there is no stale lock to clear by hand. Who holds it is written
 * beside it (`<db>.lock.holder`), because a file locked like this cannot be read.
 *
 * @param databasePath the only one there is: see onlyPathOf
 * @throws StoreError `unavailable`, naming the holder
 */
export function lockSqlite(databasePath: string, now: number): () => void {
  const path = `${databasePath}.lock`;
  const holderPath = `${path}.holder`;
  createPrivate(path);
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
  try {
    writeHolder(holderPath, now);
  } catch (error) {
    file.close();
    throw error;
  }
  return () => {
    rmSync(holderPath, { force: true });
    file.close();
  };
}

function writeHolder(path: string, now: number): void {
  const startedAt = new Date(now).toISOString();
  const holder = `process ${process.pid} on ${hostname()}, started ${startedAt}`;
  writeFileSync(path, holder, { mode: PRIVATE });
  tryMakePrivate(path);
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return 'another process';
  }
}
