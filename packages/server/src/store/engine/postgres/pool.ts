import type { PostgresPool, PostgresPoolClient } from 'kysely';
import pg from 'pg';
import type { Clock } from '../../../lib/clock.ts';
import { FailureLog } from '../../../lib/failure-log.ts';
import type { Logger } from '../../../lib/logger.ts';
import { StoreError } from '../../port/store.ts';
import { asStoreError, isOutOfConnections, NotServedError } from './faults.ts';
import { ReservedClient } from './reserved.ts';
import type { Settings } from './settings.ts';

export interface PoolOptions {
  readonly client: pg.ClientConfig;
  readonly settings: Settings;
  /** Each transaction is given another connection by a pooler: settings do not last. */
  readonly isShared: boolean;
  readonly mostConnections: number;
  /** How long somebody waits for a connection. */
  readonly waitTimeoutMs: number;
  /** How error texts name the database. */
  readonly where: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A connection turned out to take no writes. */
  readonly onReadOnly: () => void;
}

const IDLE_CONNECTION_MS = 60_000;
/** After the server gave no more connections. */
const ASK_AGAIN_MS = 50;
const GROW_AGAIN_MS = 30_000;

/**
 * A pool whose errors are StoreErrors where the server is to blame, and which never gives out a connection again that
 * broke. Where the server gives fewer connections than it may open, it does with those: who asks waits for one.
 */
export class ConnectionPool implements PostgresPool {
  // Kysely's own cancelling is not used.
  readonly options = {};
  readonly #options: PoolOptions;
  readonly #pool: pg.Pool;
  readonly #losses: FailureLog;
  readonly #shortages: FailureLog;
  /** One that was opened before the last `giveUpAll` is not given out again. */
  #generation = 0;
  /** Connections that are served, by their generation; the driver's own count has those it still tries to open. */
  readonly #open = new Map<pg.PoolClient, number>();
  #growAt = Infinity;
  #isYielding = false;

  /** The other pool of the same server: it is asked for a connection where this one gets none at all. */
  rival: ConnectionPool | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    const { clock, logger, where } = options;
    this.#pool = new pg.Pool(
      poolConfigOf(options, (client) => {
        this.#open.set(client, this.#generation);
      }),
    );
    // They break together: two dozen lines would say nothing more than one.
    this.#losses = new FailureLog(clock, (failure) => {
      logger.warn(failure, 'idle database connection lost');
    });
    this.#shortages = new FailureLog(clock, (failure) => {
      logger.warn(
        failure,
        'the database gives fewer connections than database.postgres.max_connections: requests wait for one another',
      );
    });
    // Unheard, either would end the process: an idle connection that breaks, and one in use between two queries.
    this.#pool.on('error', (err) => {
      this.#losses.fail(asStoreError(where, err));
    });
    this.#pool.on('connect', (client) => {
      client.on('error', (err) => logger.debug({ err }, 'database connection lost'));
    });
    this.#pool.on('remove', (client) => {
      this.#open.delete(client);
    });
  }

  async connect(): Promise<PostgresPoolClient> {
    const { where, settings, isShared, onReadOnly } = this.#options;
    const client = await this.#take().catch((error: unknown) => {
      throw this.#describe(error);
    });
    this.#losses.end();
    return new ReservedClient(client, {
      ...{ where, settings, isShared, onReadOnly },
      release: (isBroken) => {
        client.release(isBroken || this.#isYielding);
        this.#isYielding = false;
      },
    });
  }

  end(): Promise<void> {
    return this.#pool.end();
  }

  /** None of today's connections is used again: after a failover they may lead to a server that only reads. */
  giveUpAll(): void {
    this.#generation += 1;
  }

  /** @throws what the last try said, when the time is over */
  async #take(): Promise<pg.PoolClient> {
    const { clock, waitTimeoutMs } = this.#options;
    const giveUpAt = clock.monotonic() + waitTimeoutMs;
    for (;;) {
      this.#growAgain();
      try {
        const client = await this.#pool.connect();
        if (this.#open.get(client) === this.#generation) return client;
        client.release(true);
      } catch (error) {
        if (!isOutOfConnections(error) || clock.monotonic() >= giveUpAt) throw error;
        this.#doWithThese(error);
        await clock.sleep(ASK_AGAIN_MS);
      }
    }
  }

  /** Who asks next stands in line for one of the connections that are there. */
  #doWithThese(error: unknown): void {
    this.#shortages.fail(asStoreError(this.#options.where, error));
    this.#allow(this.#open.size);
    if (this.#open.size === 0) this.rival?.yieldOne();
  }

  /** Closes a connection, as soon as one is free. */
  yieldOne(): void {
    if (this.#open.size === 0) return;
    this.#allow(this.#open.size - 1);
    if (this.#pool.idleCount === 0) this.#isYielding = true;
    else this.#closeIdle();
  }

  #closeIdle(): void {
    this.#pool.connect().then(
      (client) => {
        client.release(true);
      },
      () => undefined,
    );
  }

  #allow(connections: number): void {
    this.#pool.options.max = Math.max(1, connections);
    this.#growAt = this.#options.clock.monotonic() + GROW_AGAIN_MS;
  }

  #growAgain(): void {
    if (this.#options.clock.monotonic() < this.#growAt) return;
    this.#pool.options.max = this.#options.mostConnections;
    this.#growAt = Infinity;
    this.#shortages.end();
  }

  #describe(error: unknown): unknown {
    const { where, waitTimeoutMs } = this.#options;
    const isQueueTimeout =
      error instanceof Error && error.message === 'timeout exceeded when trying to connect';
    if (!isQueueTimeout) return asStoreError(where, error);
    const { max } = this.#pool.options;
    const why = `none of ${max} connections was free for ${waitTimeoutMs / 1_000} s (database.postgres.max_connections, wait_timeout)`;
    return new StoreError('unavailable', `database ${where}: ${why}`, { cause: error });
  }
}

/** @param onServed for each new connection, once the server answers on it */
function poolConfigOf(
  { client, settings, isShared, mostConnections, waitTimeoutMs }: PoolOptions,
  onServed: (opened: pg.PoolClient) => void,
): pg.PoolConfig {
  const withinMs = client.connectionTimeoutMillis ?? 0;
  return {
    ...client,
    max: mostConnections,
    idleTimeoutMillis: IDLE_CONNECTION_MS,
    // Here it is how long somebody waits for any connection; for a new one the client has its own limit.
    connectionTimeoutMillis: waitTimeoutMs,
    Client: class extends pg.Client {
      constructor() {
        super(client);
      }
    },
    verify: (opened, done) => {
      const isReady = isShared ? Promise.resolve() : setSession(opened, settings, withinMs);
      isReady.then(() => {
        onServed(opened);
        done();
      }, done);
    },
  };
}

/**
 * The first statement of a connection: a pooler takes a connection at once, and lets this wait until it has one of the
 * server's to give.
 */
async function setSession(
  client: pg.PoolClient,
  { forSession }: Settings,
  withinMs: number,
): Promise<void> {
  try {
    // The driver's type leaves out the time limit of one query.
    await client.query({ text: forSession, query_timeout: withinMs } as pg.QueryConfig);
  } catch (cause) {
    if (cause instanceof pg.DatabaseError) throw cause;
    throw new NotServedError('the connection was not served in time', { cause });
  }
}
