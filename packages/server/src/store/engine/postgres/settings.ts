import type { ConnectionUse, PostgresConfig } from './config.ts';

/** A process that is paused or cut off must not hold what it has locked against all others. */
const IDLE_IN_TRANSACTION_MS = 4_000;
/** Longer than the idle limit: whoever holds the events' lock and died is outlived. */
const LOCK_TIMEOUT_MS = 5_000;

/** The fences are written for read committed, whatever the database's default is. */
const BEGIN = 'begin isolation level read committed';

/**
 * What our statements rely on, as SQL: poolers refuse settings in the start of a connection. A transaction brings its
 * own along, in the message that begins it, so that they hold whichever connection of a pooler it gets.
 */
export interface Settings {
  /** For statements outside of transactions, on a connection that is ours until we close it. */
  readonly forSession: string;
  /** @param begin Kysely's `begin`, or `start transaction` with its modes */
  beginWith(begin: string): string;
}

export function settingsFor(use: ConnectionUse, config: PostgresConfig): Settings {
  const settings = Object.entries(valuesFor(use, config));
  const textOf = (how: 'set' | 'set local'): string =>
    settings.map(([name, value]) => `${how} ${name} = ${value}`).join('; ');
  const local = textOf('set local');
  return {
    forSession: `${textOf('set')}; set default_transaction_isolation = 'read committed'`,
    beginWith: (begin) => `${begin === 'begin' ? BEGIN : begin}; ${local}`,
  };
}

function valuesFor(use: ConnectionUse, config: PostgresConfig): Record<string, string | number> {
  const isLimited = use !== 'change-schema';
  return {
    // A commit that was reported must survive a power cut.
    synchronous_commit: 'on',
    statement_timeout: statementTimeoutMs(use, config),
    lock_timeout: isLimited ? LOCK_TIMEOUT_MS : 0,
    idle_in_transaction_session_timeout: isLimited ? IDLE_IN_TRANSACTION_MS : 0,
  };
}

/**
 * Writes queue for the rows that all of them count in, and each wait in that queue has a lock timeout of its own. A
 * paused process's writes would get those rows one after the other, and keep each for as long as it may idle. So all
 * of its statements end `writeTimeoutMs` after it stopped, and with the idle limit all that it holds is free soon after.
 *
 * @returns milliseconds; 0: no limit
 */
export function statementTimeoutMs(use: ConnectionUse, config: PostgresConfig): number {
  if (use === 'change-schema') return 0;
  return use === 'write' ? config.writeTimeoutMs : config.readTimeoutMs;
}
