import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { SqliteDatabase, SqliteStatement } from 'kysely';
import { StoreError } from '../../port/store.ts';

export const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_IOERR = 10;

/** Primary result codes that say "not now" or "not here", whatever the statement was. */
const UNAVAILABLE: ReadonlyMap<number, string> = new Map([
  [SQLITE_BUSY, 'another program has locked it'],
  [SQLITE_LOCKED, 'another program has locked it'],
  [8, 'it is read-only: check the rights on the file and its folder'],
  [SQLITE_IOERR, 'reading or writing it failed: check the disk'],
  [11, 'it is damaged: restore a backup'],
  [13, 'the disk is full'],
  [14, 'it cannot be opened: check the path, and the rights on the folder'],
  [26, 'it is not an SQLite database'],
]);

/** The primary SQLite result code of an error, also of one that was wrapped. */
export function findSqliteCode(error: unknown): number | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('errcode' in at && typeof at.errcode === 'number') return at.errcode & 0xff;
  }
  return undefined;
}

/** The fsync of a commit failed: the kernel may or may not have written it. */
export function isIoFault(error: unknown): boolean {
  return findSqliteCode(error) === SQLITE_IOERR;
}

const MOST_STATEMENTS = 500;

interface PreparedStatement {
  readonly statement: StatementSync;
  /** It answers with rows. */
  readonly isReader: boolean;
}

/** What Kysely's SqliteDialect asks of better-sqlite3, on Node's own SQLite. */
export class SqliteFile implements SqliteDatabase {
  readonly #path: string;
  readonly #db: DatabaseSync;
  /** What `begin` means here: a writer takes the write lock at once, not in the middle. */
  readonly #begin: 'begin' | 'begin immediate';
  readonly #statements = new Map<string, PreparedStatement>();

  constructor(path: string, options: { isReadOnly: boolean; busyTimeoutMs: number }) {
    this.#path = path;
    this.#begin = options.isReadOnly ? 'begin' : 'begin immediate';
    this.#db = this.#guard(
      () =>
        new DatabaseSync(path, {
          readOnly: options.isReadOnly,
          enableForeignKeyConstraints: true,
          timeout: options.busyTimeoutMs,
        }),
    );
  }

  exec(text: string): void {
    this.#guard(() => {
      this.#db.exec(text);
    });
  }

  close(): void {
    this.#statements.clear();
    if (this.#db.isOpen) this.#db.close();
  }

  prepare(text: string): SqliteStatement {
    const sql = text === 'begin' ? this.#begin : text;
    const { statement, isReader } = this.#guard(() => this.#statement(sql));
    return {
      reader: isReader,
      all: (parameters) => this.#guard(() => statement.all(...bindable(parameters))),
      run: (parameters) => this.#guard(() => statement.run(...bindable(parameters))),
      // Of its own: another use of a shared statement would start a half-read one anew.
      iterate: (parameters) =>
        this.#guard(() => this.#db.prepare(sql).iterate(...bindable(parameters))),
    };
  }

  #statement(sql: string): PreparedStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) {
      if (this.#statements.size < MOST_STATEMENTS) return known;
      // To the end of the line: the front is what was not used for longest.
      this.#statements.delete(sql);
      this.#statements.set(sql, known);
      return known;
    }
    const statement = this.#db.prepare(sql);
    const prepared = { statement, isReader: statement.columns().length > 0 };
    this.#statements.set(sql, prepared);
    const [oldest] = this.#statements.keys();
    if (this.#statements.size > MOST_STATEMENTS && oldest !== undefined) {
      this.#statements.delete(oldest);
    }
    return prepared;
  }

  #guard<T>(use: () => T): T {
    try {
      return use();
    } catch (cause) {
      const why = UNAVAILABLE.get(findSqliteCode(cause) ?? 0);
      if (why === undefined) throw cause;
      throw new StoreError('unavailable', `database ${this.#path}: ${why}`, { cause });
    }
  }
}

/** Node binds these types only, and its own message does not name the value. */
function bindable(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters.map((value) => {
    if (isBindable(value)) return value;
    throw new TypeError(`a ${typeof value} cannot be bound: write 0 or 1, a text, or null`);
  });
}

function isBindable(value: unknown): value is SQLInputValue {
  return (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'bigint' ||
    value instanceof Uint8Array
  );
}
