import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Kysely, SqliteDialect, sql } from 'kysely';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Database } from '../database.ts';
import type { Schema } from '../schema.ts';
import { endWith } from './change-schema.ts';
import { CommitListeners } from './commit-listeners.ts';
import type { WriteSource } from './commits.ts';
import type { OpenedDatabase } from './opened-database.ts';
import type { RetryDelay } from './retrying.ts';
import { SharedCommits } from './shared-commits.ts';
import { findSqliteCode, isIoFault, SQLITE_BUSY, SqliteFile } from './sqlite-file.ts';
import { lockSqlite } from './sqlite-lock.ts';
import { Writer } from './writer.ts';

export interface SqliteOptions {
  /** A file; its folder is made if it is missing. */
  readonly path: string;
  readonly clock: Clock;
  readonly origin: string;
  readonly logger: Logger;
}

// While SQLite waits it blocks the whole process: short here, and the rest of the patience is asynchronous.
const BUSY_TIMEOUT_MS = 20;
/** A backup or a shell may lock the file for a moment; another server cannot, see lockSqlite. */
const BUSY_DELAY: RetryDelay = { firstMs: 10, longestMs: 200 };

/** @throws StoreError `unavailable` when the file cannot be opened or another process has it */
export function openSqlite(options: SqliteOptions): OpenedDatabase {
  const { path, clock } = options;
  mkdirSync(dirname(path), { recursive: true });
  const unlock = lockSqlite(path, clock.now());
  const files: SqliteFile[] = [];
  try {
    return opened(options, openFiles(path, files), () => {
      closeAll(files, unlock);
    });
  } catch (error) {
    closeAll(files, unlock);
    throw error;
  }
}

interface Files {
  readonly writing: Kysely<Schema>;
  readonly reading: Kysely<Schema>;
  /** Of its own: a snapshot is held over many turns of the event loop, in which others read. */
  readonly snapshots: Kysely<Schema>;
}

/** @param files takes what has been opened, also if the rest cannot be */
function openFiles(path: string, files: SqliteFile[]): Files {
  const writeFile = openFile(path, false, files);
  // Before the read connections, which cannot create the file nor its journal.
  writeFile.exec('pragma journal_mode = wal');
  writeFile.exec('pragma synchronous = full');
  return {
    writing: kyselyOn(writeFile),
    reading: kyselyOn(openFile(path, true, files)),
    snapshots: kyselyOn(openFile(path, true, files)),
  };
}

function opened(
  { clock, origin, logger }: SqliteOptions,
  { writing, reading, snapshots }: Files,
  closeFiles: () => void,
): OpenedDatabase {
  const listeners = new CommitListeners(logger);
  const source = writeSourceOf(writing);
  const onCommitted = (): void => {
    listeners.wake();
  };
  const commits = new SharedCommits({ source, clock, origin, onCommitted });
  const writer = new Writer({ commits, source, clock });
  const close = async (): Promise<void> => {
    await writer.close();
    closeFiles();
  };
  return {
    database: describeDatabase({ clock, reading, snapshots, writer, listeners, close }),
    changeSchema: async (work) => endWith(await source.begin(), work),
  };
}

function openFile(path: string, isReadOnly: boolean, files: SqliteFile[]): SqliteFile {
  const file = new SqliteFile(path, { isReadOnly, busyTimeoutMs: BUSY_TIMEOUT_MS });
  files.unshift(file);
  return file;
}

function closeAll(files: readonly SqliteFile[], unlock: () => void): void {
  for (const file of files) file.close();
  unlock();
}

function kyselyOn(file: SqliteFile): Kysely<Schema> {
  return new Kysely<Schema>({ dialect: new SqliteDialect({ database: file }) });
}

function writeSourceOf(writing: Kysely<Schema>): WriteSource {
  return {
    begin: () => writing.startTransaction().execute(),
    // One writer: what commits first was first.
    lockEvents: async () => undefined,
    findRetryDelay: (error) => (findSqliteCode(error) === SQLITE_BUSY ? BUSY_DELAY : undefined),
    mayHaveCommitted: isIoFault,
  };
}

interface Parts {
  readonly clock: Clock;
  readonly reading: Kysely<Schema>;
  readonly snapshots: Kysely<Schema>;
  readonly writer: Writer;
  readonly listeners: CommitListeners;
  readonly close: () => Promise<void>;
}

function describeDatabase({
  clock,
  reading,
  snapshots,
  writer,
  listeners,
  close,
}: Parts): Database {
  let closed: Promise<void> | undefined;
  return {
    kind: 'sqlite',
    clock,
    read: reading,
    snapshot: (work) => snapshots.transaction().execute(work),
    write: (work, options) => writer.write(work, options),
    dbNow: sql<number>`cast(round(unixepoch('subsec') * 1000) as integer)`,
    forShare: sql``,
    forUpdateSkipLocked: sql``,
    onCommit: (listener) => listeners.add(listener),
    ping: async () => {
      const startedAt = clock.monotonic();
      await sql`select 1`.execute(reading);
      if (writer.fault !== undefined) throw writer.fault;
      return clock.monotonic() - startedAt;
    },
    close: () => (closed ??= close()),
  };
}
