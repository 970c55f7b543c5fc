import { sql } from 'kysely';
import pg from 'pg';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { until } from '../../../../test/harness/until.ts';
import type { Database } from '../../database.ts';
import { postgresConfigOf, StoreClock, silentLogger } from '../../databases.testkit.ts';
import { openDatabase } from '../../open-store.ts';
import { createDatabase, type PostgresDatabase } from '../../postgres.testkit.ts';
import type { PostgresConfig } from './config.ts';
import { shareOut } from './pools.ts';

describe('PostgreSQL as people run it', () => {
  const opened: Database[] = [];
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close();
  });

  const open = async (
    at: PostgresDatabase,
    overrides: Partial<PostgresConfig> = {},
  ): Promise<Database> => {
    const deps = { clock: new StoreClock(), origin: 'one', logger: silentLogger };
    const database = await openDatabase(postgresConfigOf(at, overrides), deps);
    opened.push(database);
    return database;
  };
  /** As the operator, on a connection of their own. */
  const command = async ({ url }: PostgresDatabase, ...statements: string[]): Promise<void> => {
    const client = new pg.Client(url);
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  };
  const insertForge = (database: Database, id: string) =>
    database.write(async ({ db }) => {
      await db.insertInto('forges').values({ id, kind: 'x', created_at: 1 }).execute();
    });
  const countForges = async (database: Database) =>
    (await database.read.selectFrom('forges').select('id').execute()).length;
  const readMany = (database: Database) => Array.from({ length: 60 }, () => countForges(database));
  const writeMany = (database: Database) =>
    Array.from({ length: 60 }, (_, n) => insertForge(database, `many-${n}`));
  const patient = { waitTimeoutMs: 120_000 };

  it.each([3, 4, 6])(
    'gives %s connections where 25 are wanted: who asks waits, nobody is told unavailable',
    async (limit) => {
      const at = await createDatabase(inject('postgres'));
      // Superusers have no limit.
      const role = `role_${at.database}`;
      await command(
        at,
        `create role ${role} login connection limit ${limit}`,
        `alter database ${at.database} owner to ${role}`,
      );
      const database = await open({ ...at, user: role }, patient);
      await Promise.all(readMany(database));
      await Promise.all(writeMany(database));
      await Promise.all([...readMany(database), insertForge(database, 'both')]);
      expect(await countForges(database)).toBe(61);
    },
  );

  it('is opened with no more connections than max_connections says, and serves with them', async () => {
    const at = await createDatabase(inject('postgres'));
    const database = await open(at, { ...patient, maxConnections: 3 });
    const stop = database.onCommit(() => undefined);
    await Promise.all([...readMany(database), ...writeMany(database)]);
    const count = async () => {
      const { rows } = await sql<{ n: number }>`
        select count(*) as n from pg_stat_activity where datname = ${at.database}
      `.execute(database.read);
      return rows[0]!.n;
    };
    // The one that migrated may still be on its way out.
    await until(count, (n) => n <= 3, { what: 'no more than three connections' });
    stop();
    expect(await countForges(database)).toBe(60);
  });

  it('shares its connections out between reads and writes, one left for the listener', () => {
    expect([25, 3, 4, 10, 100].map(shareOut)).toEqual([
      ...[
        { reading: 14, writing: 10 },
        { reading: 1, writing: 1 },
        { reading: 2, writing: 1 },
      ],
      ...[
        { reading: 6, writing: 3 },
        { reading: 58, writing: 41 },
      ],
    ]);
  });

  it('says which key lets more wait less, when no connection was free in time', async () => {
    const at = await createDatabase(inject('postgres'));
    const database = await open(at, { waitTimeoutMs: 3_000, maxConnections: 3 });
    const mayEnd = Promise.withResolvers<null>();
    const holds = Promise.withResolvers<null>();
    const held = database.snapshot(async (db) => {
      await sql`set local idle_in_transaction_session_timeout = 0`.execute(db);
      holds.resolve(null);
      await mayEnd.promise;
    });
    await holds.promise;
    await expect(countForges(database)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('(database.postgres.max_connections, wait_timeout)'),
    });
    mayEnd.resolve(null);
    await held;
  });

  it.each(['LATIN1', 'SQL_ASCII'])(
    'in %s is refused at the start, with nothing written',
    async (encoding) => {
      const admin = await createDatabase(inject('postgres'));
      const database = `${admin.database}_other`;
      const create = `create database ${database} encoding '${encoding}' template template0`;
      await command(admin, `${create} lc_collate 'C' lc_ctype 'C'`);
      await expect(open({ ...admin, database })).rejects.toMatchObject({
        code: 'schema',
        message: expect.stringContaining(`its encoding is ${encoding}`),
      });
    },
  );

  it('that only reads since a failover is unhealthy, and its connections are given up once one may write again', async () => {
    const at = await createDatabase(inject('postgres'));
    const database = await open(at);
    await insertForge(database, 'before');
    const pidOf = async () => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(
        database.read,
      );
      return rows[0]!.pid;
    };
    const before = await pidOf();
    // What a demoted server does to the connections that outlive it.
    await database.write(({ db }) =>
      sql`set session characteristics as transaction read only`.execute(db),
    );
    await expect(insertForge(database, 'lost')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('it only reads'),
    });
    await insertForge(database, 'after');
    expect(await pidOf()).not.toBe(before);
    await database.ping();
    expect(await countForges(database)).toBe(2);
  });

  it('that only reads, by whatever order, is unhealthy for as long as it does', async () => {
    const at = await createDatabase(inject('postgres'));
    const database = await open(at);
    const mode = (value: string) =>
      command(
        at,
        `alter database ${at.database} set default_transaction_read_only = ${value}`,
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = '${at.database}' and pid <> pg_backend_pid()`,
      );
    const health = () =>
      database.ping().then(
        () => 'healthy',
        (error: unknown) => String(error),
      );
    await mode('on');
    const sick = [await health(), await health(), await health()];
    expect(sick.filter((each) => each === 'healthy')).toEqual([]);
    expect(sick.at(-1)).toContain('it only reads');
    // Whoever orders this may still change it: superusers begin with read write.
    await command(
      at,
      'begin read write',
      `alter database ${at.database} reset default_transaction_read_only`,
      'commit',
    );
    await insertForge(database, 'after').catch(() => undefined);
    await insertForge(database, 'again');
    expect(await health()).toBe('healthy');
  });

  it('whose right to write was taken away is unhealthy, and well again with the right', async () => {
    const at = await createDatabase(inject('postgres'));
    const role = `role_${at.database}`;
    await command(
      at,
      `create role ${role} login`,
      `alter database ${at.database} owner to ${role}`,
    );
    const database = await open({ ...at, user: role });
    await command(at, `alter table forges owner to postgres`, `grant select on forges to ${role}`);
    await expect(insertForge(database, 'f')).rejects.toMatchObject({ code: 'unavailable' });
    await command(at, `grant insert on forges to ${role}`);
    await insertForge(database, 'f');
    await database.ping();
  });
});
