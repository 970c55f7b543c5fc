import type { PostgresPoolClient, PostgresQueryResult } from 'kysely';
import type pg from 'pg';
import { asStoreError, isConnectionFault, isReadOnlyFault } from './faults.ts';
import type { Settings } from './settings.ts';

type Result = PostgresQueryResult<unknown>;

export interface ReservedOptions {
  readonly settings: Settings;
  readonly isShared: boolean;
  readonly where: string;
  readonly onReadOnly: () => void;
  readonly release: (isBroken: boolean) => void;
}

/** A connection of the pool while somebody has it. */
export class ReservedClient implements PostgresPoolClient {
  readonly #client: pg.PoolClient;
  readonly #options: ReservedOptions;
  #fault: unknown;
  #isInTransaction = false;

  constructor(client: pg.PoolClient, options: ReservedOptions) {
    this.#client = client;
    this.#options = options;
  }

  query: PostgresPoolClient['query'] = ((text: unknown, parameters: readonly unknown[]) => {
    if (typeof text !== 'string') throw new TypeError('cursors are not used');
    return this.#query(text, parameters);
  }) as PostgresPoolClient['query'];

  release(isDiscarded = false): void {
    this.#options.release(isDiscarded || this.#fault !== undefined);
  }

  async #query(text: string, parameters: readonly unknown[]): Promise<Result> {
    const { where, onReadOnly } = this.#options;
    // After a timeout of ours the old query still runs: what is sent now would wait behind it.
    if (this.#fault !== undefined) throw asStoreError(where, this.#fault);
    try {
      return await this.#withSettings(text, parameters);
    } catch (error) {
      if (isConnectionFault(error)) this.#fault = error;
      if (isReadOnlyFault(error)) onReadOnly();
      throw asStoreError(where, error);
    }
  }

  async #withSettings(text: string, parameters: readonly unknown[]): Promise<Result> {
    if (text === 'begin' || text.startsWith('start transaction')) return this.#begin(text);
    if (text === 'commit' || text === 'rollback') this.#isInTransaction = false;
    else if (this.#options.isShared && !this.#isInTransaction) return this.#alone(text, parameters);
    return this.#send(text, parameters);
  }

  async #begin(text: string): Promise<Result> {
    const result = await this.#send(this.#options.settings.beginWith(text), []);
    this.#isInTransaction = true;
    return result;
  }

  /** A statement on its own has no settings on a connection that is another one each time: it gets a transaction. */
  async #alone(text: string, parameters: readonly unknown[]): Promise<Result> {
    await this.#send(this.#options.settings.beginWith('begin'), []);
    let result: Result;
    try {
      result = await this.#send(text, parameters);
    } catch (error) {
      if (!isConnectionFault(error)) await this.#send('rollback', []);
      throw error;
    }
    await this.#send('commit', []);
    return result;
  }

  /** Several statements without parameters go in one message, and have one result each: the first is what was asked for. */
  async #send(text: string, parameters: readonly unknown[]): Promise<Result> {
    const answer: unknown = await this.#client.query(text, [...parameters]);
    return (Array.isArray(answer) ? answer[0] : answer) as Result;
  }
}
