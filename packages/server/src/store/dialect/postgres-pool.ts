import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import pg from 'pg';
import type { Clock } from '../../lib/clock.ts';
import { FailureRow } from '../../lib/failure-row.ts';
import type { Logger } from '../../lib/logger.ts';
import { asStoreError, isConnectionFault } from './postgres-faults.ts';

/**
 * A pool whose errors are StoreErrors where the server is to blame, and which never gives out a connection again
 * that broke.
 *
 * @param where how error texts name the database
 */
export function makePool(
  options: pg.PoolConfig,
  where: string,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): PostgresPool & { end(): Promise<void> } {
  const pool = new pg.Pool(options);
  // They break together: two dozen lines would say nothing more than one.
  const losses = new FailureRow(clock, (failure) => {
    logger.warn(failure, 'idle database connection lost');
  });
  // Unheard, either would end the process: an idle connection that breaks, and one in use between two queries.
  pool.on('error', (err) => {
    losses.fail(asStoreError(where, err));
  });
  pool.on('connect', (client) => {
    client.on('error', (err) => logger.debug({ err }, 'database connection lost'));
  });
  return {
    // Kysely's own cancelling is not used.
    options: {},
    connect: async () => {
      try {
        const client = await pool.connect();
        losses.end();
        return new ReservedClient(client, where);
      } catch (error) {
        throw asStoreError(where, error);
      }
    },
    end: () => pool.end(),
  };
}

class ReservedClient implements PostgresPoolClient {
  readonly #client: pg.PoolClient;
  readonly #where: string;
  #fault: unknown;

  constructor(client: pg.PoolClient, where: string) {
    this.#client = client;
    this.#where = where;
  }

  query: PostgresPoolClient['query'] = ((text: unknown, parameters: readonly unknown[]) => {
    if (typeof text !== 'string') throw new TypeError('cursors are not used');
    return this.#query(text, parameters);
  }) as PostgresPoolClient['query'];

  release(isDiscarded = false): void {
    this.#client.release(isDiscarded || this.#fault !== undefined);
  }

  async #query(
    text: string,
    parameters: readonly unknown[],
  ): Promise<PostgresQueryResult<unknown>> {
    // After a timeout of ours the old query still runs: what is sent now would wait behind it.
    if (this.#fault !== undefined) throw asStoreError(this.#where, this.#fault);
    try {
      const result = await this.#client.query(text, [...parameters]);
      return result as unknown as PostgresQueryResult<unknown>;
    } catch (error) {
      if (isConnectionFault(error)) this.#fault = error;
      throw asStoreError(this.#where, error);
    }
  }
}
