import type { ConnectionOptions } from 'node:tls';
import { Kysely, PostgresDialect } from 'kysely';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { Schema } from '../../schema.ts';
import type { ConnectionUse, PostgresConfig } from './config.ts';
import { clientOptions } from './options.ts';
import { ConnectionPool } from './pool.ts';
import { settingsFor } from './settings.ts';

export interface PoolsDeps {
  readonly config: PostgresConfig;
  readonly ssl: ConnectionOptions | false;
  readonly isShared: boolean;
  readonly where: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Pools {
  readonly reading: Kysely<Schema>;
  readonly writing: Kysely<Schema>;
  /** One connection without time limits. */
  openForSchema(): Kysely<Schema>;
  /** After a failover: what was connected before may only read now. */
  giveUpAll(): void;
}

/** Opens no connection yet. */
export function openPools(deps: PoolsDeps): Pools {
  const { config } = deps;
  const giveUpAll = (): void => {
    for (const pool of [reading, writing]) pool.giveUpAll();
  };
  const poolOf = (use: ConnectionUse, mostConnections: number): ConnectionPool =>
    new ConnectionPool({
      ...deps,
      ...{ mostConnections, waitTimeoutMs: config.waitTimeoutMs, onReadOnly: giveUpAll },
      client: clientOptions(config, deps.ssl, use),
      settings: settingsFor(use, config),
    });
  const most = shareOut(config.maxConnections);
  const reading = poolOf('read', most.reading);
  const writing = poolOf('write', most.writing);
  reading.rival = writing;
  writing.rival = reading;
  return {
    reading: kyselyOn(reading),
    writing: kyselyOn(writing),
    openForSchema: () => kyselyOn(poolOf('change-schema', 1)),
    giveUpAll,
  };
}

/**
 * Writes have connections of their own: while they wait for each other, or for a process that died with its locks,
 * whoever only reads is served. One more is the listener's.
 *
 * @param connections at least 3
 */
export function shareOut(connections: number): { reading: number; writing: number } {
  const writing = Math.max(1, Math.floor(((connections - 1) * 10) / 24));
  return { writing, reading: connections - 1 - writing };
}

function kyselyOn(pool: ConnectionPool): Kysely<Schema> {
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
}
