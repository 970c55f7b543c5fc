import { Kysely, SqliteDialect, sql } from 'kysely';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { Database } from '../../database.ts';
import { insertRows } from '../../insert-rows.ts';
import type { Schema } from '../../schema.ts';
import { endWith } from '../change-schema.ts';
import { CommitListeners } from '../commit/commit-listeners.ts';
import type { WriteSource } from '../commit/commits.ts';
import type { RetryDelay } from '../commit/retrying.ts';
import { SharedCommits } from '../commit/shared-commits.ts';
import { WriteProof } from '../commit/write-proof.ts';
import { Writer } from '../commit/writer.ts';
import type { OpenedDatabase } from '../opened-database.ts';
import { waitUntilAlone } from './alone.ts';
import { findSqliteCode, isIoFault, SQLITE_BUSY, SqliteFile } from './file.ts';
import { lockSqlite } from './lock.ts';
import { onlyPathOf } from './place.ts';
import { createPrivate, tryMakePrivate } from './private.ts';
import { SameFiles } from './same-files.ts';

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

/** @throws StoreError `unavailable` when the file cannot be opened, may have two names, or another process has it */
export async function openSqlite(options: SqliteOptions): Promise<OpenedDatabase> {
  const path = onlyPathOf(options.path);
  const unlock = lockSqlite(path, options.clock.now());
  const files: SqliteFile[] = [];
  try {
    makePrivate(path, options.logger);
    await waitUntilAlone(path, options.clock, options.logger);
    const opened = openFiles(path, files);
    return describe(options, opened, new SameFiles(path), () => {
      closeAll(files, unlock);
    });
  } catch (error) {
    closeAll(files, unlock);
    throw error;
  }
}

/** SQLite gives the log and its index the mode of the database; those of an older server are here already. */
function makePrivate(path: string, logger: Logger): void {
  createPrivate(path);
  const wide = ['', '-wal', '-shm', '.lock']
    .map((suffix) => path + suffix)
    .filter((file) => !tryMakePrivate(file));
  if (wide.length > 0) {
    logger.warn({ files: wide }, 'database files can be read by others: make them mode 600');
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
  const readFile = openFile(path, true, files);
  const snapshotFile = openFile(path, true, files);
  // The first look opens a connection's log: none is to open another one later, after somebody moved the files.
  for (const file of [writeFile, readFile, snapshotFile]) {
    file.exec('select count(*) from sqlite_schema');
  }
  return {
    writing: kyselyOn(writeFile),
    reading: kyselyOn(readFile),
    snapshots: kyselyOn(snapshotFile),
  };
}

function describe(
  { clock, origin, logger }: SqliteOptions,
  { writing, reading, snapshots }: Files,
  sameFiles: SameFiles,
  closeFiles: () => void,
): OpenedDatabase {
  const listeners = new CommitListeners(logger);
  const source = writeSourceOf(writing, sameFiles);
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
    database: describeDatabase({ clock, reading, snapshots, writer, sameFiles, listeners, close }),
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

function writeSourceOf(writing: Kysely<Schema>, sameFiles: SameFiles): WriteSource {
  return {
    begin: async () => {
      sameFiles.check();
      return writing.startTransaction().execute();
    },
    // One writer: what commits first was first.
    insertEvents: (tx, events) => insertRows(tx, 'events', events),
    findRetryDelay: (error) => (findSqliteCode(error) === SQLITE_BUSY ? BUSY_DELAY : undefined),
    mayHaveCommitted: isIoFault,
  };
}

interface Parts {
  readonly clock: Clock;
  readonly reading: Kysely<Schema>;
  readonly snapshots: Kysely<Schema>;
  readonly writer: Writer;
  readonly sameFiles: SameFiles;
  readonly listeners: CommitListeners;
  readonly close: () => Promise<void>;
}

function describeDatabase({
  clock,
  reading,
  snapshots,
  writer,
  sameFiles,
  listeners,
  close,
}: Parts): Database {
  const proof = new WriteProof(writer, clock);
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
      sameFiles.check();
      await sql`select 1`.execute(reading);
      const tookMs = clock.monotonic() - startedAt;
      await proof.require();
      return tookMs;
    },
    close: () => (closed ??= close()),
  };
}
