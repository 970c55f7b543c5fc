import { sql } from 'kysely';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { until } from '../../../../test/harness/until.ts';
import type { NewEvent } from '../../../domain/event.ts';
import { makeLogger } from '../../../lib/logger.ts';
import type { Database } from '../../database.ts';
import { postgresConfigOf, StoreClock } from '../../databases.testkit.ts';
import { openDatabase } from '../../open-store.ts';
import {
  needPgbouncer,
  type Pgbouncer,
  type PgbouncerOptions,
  startPgbouncer,
} from '../../pgbouncer.testkit.ts';
import { createDatabase, type PostgresDatabase } from '../../postgres.testkit.ts';
import type { PostgresConfig } from './config.ts';

const emitted: NewEvent = {
  ...{ kind: 'group.synced', subjectType: 'group', subjectId: 'g', groupId: 'g', forgeId: null },
  ...{ actor: 'a', isAudit: false, data: {} },
};

const SETTINGS = [
  'synchronous_commit',
  'default_transaction_isolation',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'statement_timeout',
];

const insertForge = (database: Database, id: string) =>
  database.write(async (tx) => {
    await tx.db.insertInto('forges').values({ id, kind: 'x', created_at: 1 }).execute();
    tx.emit(emitted);
  });

describe('PostgreSQL behind a real PgBouncer', () => {
  let direct: PostgresDatabase;
  const opened: Database[] = [];
  const poolers: Pgbouncer[] = [];
  const logged: string[] = [];
  const logger = makeLogger('info', {
    write: (line: string) => {
      logged.push(line);
    },
  });
  beforeEach(async (context) => {
    needPgbouncer(context.skip);
    direct = await createDatabase(inject('postgres'));
  });
  afterEach(async () => {
    logged.length = 0;
    for (const database of opened.splice(0)) await database.close();
    for (const pooler of poolers.splice(0)) await pooler.stop();
  });

  const start = async (options: Omit<PgbouncerOptions, 'database'>): Promise<PostgresDatabase> => {
    const pooler = await startPgbouncer({ ...options, database: direct });
    poolers.push(pooler);
    return pooler.database;
  };
  const open = async (
    at: PostgresDatabase,
    origin: string,
    overrides: Partial<PostgresConfig> = {},
  ): Promise<Database> => {
    const config = postgresConfigOf(at, overrides);
    const database = await openDatabase(config, { clock: new StoreClock(), origin, logger });
    opened.push(database);
    return database;
  };
  const settingsOf = async (db: Database['read']) => {
    const found: Record<string, string> = {};
    for (const name of SETTINGS) {
      const { rows } = await sql<{ value: string }>`
        select current_setting(${name}) as value
      `.execute(db);
      found[name] = rows[0]!.value;
    }
    return found;
  };
  const settings = (statementTimeout: string) => ({
    synchronous_commit: 'on',
    default_transaction_isolation: 'read committed',
    lock_timeout: '5s',
    idle_in_transaction_session_timeout: '4s',
    statement_timeout: statementTimeout,
  });
  const poolerWarning = () =>
    logged.filter((line) => line.includes('database.postgres.listen_host'));

  for (const mode of ['session', 'transaction'] as const) {
    it(`pool_mode = ${mode}: every statement has its settings, without any in the start of a connection`, async () => {
      const database = await open(await start({ mode }), 'one');
      expect(await settingsOf(database.read)).toEqual(settings('10s'));
      expect(await database.snapshot(settingsOf)).toEqual(settings('10s'));
      expect(await database.write(({ db }) => settingsOf(db))).toEqual(settings('6s'));
    });

    it(`pool_mode = ${mode}: two servers at once lose no write, and a snapshot stays one`, async () => {
      const at = await start({ mode });
      // Of both together no more than PgBouncer gives.
      const fit = { maxConnections: 8 };
      const [one, other] = [await open(at, 'one', fit), await open(at, 'other', fit)];
      await one.snapshot(async (db) => {
        const count = async () => (await db.selectFrom('forges').select('id').execute()).length;
        expect(await count()).toBe(0);
        await insertForge(other, 'during');
        expect(await count()).toBe(0);
      });
      const writes = Array.from({ length: 39 }, (_, n) =>
        insertForge(n % 2 === 0 ? one : other, String(n)),
      );
      await Promise.all(writes);
      const forges = await other.read.selectFrom('forges').select('id').execute();
      const events = await one.read.selectFrom('events').select('seq').execute();
      expect([forges.length, events.length]).toEqual([40, 40]);
      expect(await one.ping()).toBeGreaterThanOrEqual(0);
    });

    it(`pool_mode = ${mode}: what fails is told as without a pooler, and leaves its connection usable`, async () => {
      const database = await open(await start({ mode, poolSize: 2 }), 'one', { maxConnections: 3 });
      await insertForge(database, 'f');
      await expect(insertForge(database, 'f')).rejects.toMatchObject({ code: '23505' });
      const mistaken = sql`select nonsense`.execute(database.read);
      await expect(mistaken).rejects.toMatchObject({ code: '42703' });
      await insertForge(database, 'g');
      expect(await database.read.selectFrom('forges').select('id').execute()).toHaveLength(2);
    });
  }

  const wokenBy = async (writer: Database, listener: Database): Promise<void> => {
    let calls = 0;
    listener.onCommit(() => {
      calls += 1;
    });
    // Until its LISTEN stands announcements are lost: it is told again.
    let n = 0;
    await until(
      async () => {
        n += 1;
        await insertForge(writer, `w${n}`);
        return calls;
      },
      (seen) => seen > 1,
      { what: 'woken by another server' },
    );
  };

  it('pool_mode = session: a server is woken by what another one commits', async () => {
    const at = await start({ mode: 'session' });
    const [one, other] = [await open(at, 'one'), await open(at, 'other')];
    await wokenBy(one, other);
    expect(poolerWarning()).toEqual([]);
  });

  it('pool_mode = transaction: a server says that it is not woken by others, and by which key it is', async () => {
    const at = await start({ mode: 'transaction' });
    await open(at, 'one');
    expect(poolerWarning()).toHaveLength(1);
  });

  it('pool_mode = transaction: with listen_host a server is woken by what another one commits', async () => {
    const at = await start({ mode: 'transaction' });
    const listen = { listenHost: direct.host, listenPort: direct.port };
    await wokenBy(await open(at, 'one'), await open(at, 'other', listen));
    expect(poolerWarning()).toHaveLength(1);
  });

  it('pool_mode = transaction: others of the same pool find no setting of ours', async () => {
    const at = await start({ mode: 'transaction', poolSize: 1 });
    const database = await open(at, 'one');
    await insertForge(database, 'f');
    await database.read.selectFrom('forges').select('id').execute();
    const { host, port, user, database: name } = at;
    const other = new pg.Client({ host, port, user, database: name });
    await other.connect();
    const { rows } = await other.query<{ statement_timeout: string }>('show statement_timeout');
    await other.end();
    expect(rows).toEqual([{ statement_timeout: '0' }]);
  });

  it('pool_mode = statement: the start says that transactions are needed', async () => {
    const at = await start({ mode: 'statement' });
    await expect(open(at, 'one')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/transaction blocks not allowed in statement pooling mode/),
    });
  });

  it('a pooler with 4 connections where 25 are wanted: who asks waits, nobody is told unavailable', {
    timeout: 120_000,
  }, async () => {
    const at = await start({ mode: 'session', poolSize: 4 });
    const patience = { connectTimeoutMs: 1_000, waitTimeoutMs: 45_000 };
    const database = await open(at, 'one', patience);
    const reads = Array.from({ length: 40 }, () =>
      database.read.selectFrom('forges').select('id').execute(),
    );
    const writes = Array.from({ length: 40 }, (_, n) => insertForge(database, String(n)));
    await Promise.all([...reads, ...writes]);
    expect(await database.read.selectFrom('forges').select('id').execute()).toHaveLength(40);
  });
});
