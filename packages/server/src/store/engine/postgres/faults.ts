import { AbortedTransactionError } from 'kysely';
import pg from 'pg';
import { StoreError } from '../../port/store.ts';
import type { RetryDelay } from '../commit/retrying.ts';

/** SQLSTATEs that lost a race and rolled everything back; the same work may win the next time. */
const RETRY_DELAYS: ReadonlyMap<string, RetryDelay> = new Map([
  ['40P01', { firstMs: 20, longestMs: 200 }], // deadlock
  ['40001', { firstMs: 10, longestMs: 100 }], // serialization failure
  ['55P03', { firstMs: 50, longestMs: 500 }], // lock timeout
]);

/** Classes in which the server says that it cannot serve now: no connection, no resources, stopped by an operator. */
const UNAVAILABLE_CLASSES = ['08', '53', '57', '58'];
/** What was the primary only reads now: after a failover, or by an operator's order. */
const READ_ONLY = '25006';
/** The server will not let us in; for us that is as if it were not there. Or it has ended our idle transaction. */
const UNAVAILABLE_CODES = ['28000', '28P01', '3D000', '25P03', READ_ONLY];
/** A statement that took too long, or waited too long for a lock: nothing was done, and the connection is as good as before. */
const TIMED_OUT = ['57014', '55P03'];
/** An operator has taken a right away: it may come back, on the same connection. */
const FORBIDDEN = '42501';
const TOO_MANY_CONNECTIONS = '53300';

/** A pooler has taken the connection, and had none of the server's to give. */
export class NotServedError extends Error {
  override readonly name = 'NotServedError';
}

/** The SQLSTATE of an error, also of one that was wrapped. `undefined`: the server did not speak. */
export function findSqlState(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof pg.DatabaseError) return at.code;
  }
  return undefined;
}

export function findPostgresRetryDelay(error: unknown): RetryDelay | undefined {
  return RETRY_DELAYS.get(findSqlState(error) ?? '');
}

/** The connection is of no more use: nothing may be sent on it, not even a rollback. */
export function isConnectionFault(error: unknown): boolean {
  const state = findSqlState(error);
  if (state === undefined) return !isOurMistake(error);
  if (TIMED_OUT.includes(state)) return false;
  return UNAVAILABLE_CODES.includes(state) || UNAVAILABLE_CLASSES.includes(state.slice(0, 2));
}

export function isReadOnlyFault(error: unknown): boolean {
  return findSqlState(error) === READ_ONLY;
}

/** The server, a role's or database's limit or a pooler allows no further connection; those that are there go on. */
export function isOutOfConnections(error: unknown): boolean {
  if (error instanceof NotServedError) return true;
  if (findSqlState(error) === TOO_MANY_CONNECTIONS) return true;
  // PgBouncer has one code for all that it refuses.
  return error instanceof pg.DatabaseError && /no more connections allowed/.test(error.message);
}

/** A value that the driver cannot send or read, say; the connection is as good as before. */
function isOurMistake(error: unknown): boolean {
  return [AbortedTransactionError, TypeError, RangeError, SyntaxError].some(
    (mistake) => error instanceof mistake,
  );
}

/** After a failed COMMIT: only an error that the server reported, and not while going down, means "rolled back". */
export function mayHaveCommitted(error: unknown): boolean {
  const cause = error instanceof StoreError ? error.cause : error;
  return isConnectionFault(cause);
}

export function asStoreError(where: string, cause: unknown): unknown {
  if (cause instanceof StoreError) return cause;
  const isPassing = [...TIMED_OUT, FORBIDDEN].includes(findSqlState(cause) ?? '');
  if (!isPassing && !isConnectionFault(cause)) return cause;
  const why = cause instanceof Error ? describe(cause) : String(cause);
  return new StoreError('unavailable', `database ${where}: ${why}`, { cause });
}

/** A refused connection to a name with several addresses has its reasons inside. */
function describe(error: Error): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map((each) => (each instanceof Error ? each.message : '')).join('; ');
  }
  return isReadOnlyFault(error) ? `it only reads: ${error.message}` : error.message;
}
