import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewEvent } from '../../../domain/event.ts';
import type { Database } from '../../database.ts';
import {
  databases,
  postgresConfigOf,
  StoreClock,
  silentLogger,
  useDatabase,
} from '../../databases.testkit.ts';
import { openDatabase, type StoreConfig } from '../../open-store.ts';
import { StoreError } from '../../port/store.ts';
import { type PostgresServer, startPostgres } from '../../postgres.testkit.ts';

const [, postgres] = databases;

const emitted: NewEvent = {
  ...{ kind: 'group.synced', subjectType: 'group', subjectId: 'g', groupId: 'g', forgeId: null },
  ...{ actor: 'a', isAudit: false, data: {} },
};

const pidOf = async ({ db }: { db: Database['read'] }): Promise<number> => {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
  return rows[0]!.pid;
};
const terminate = (database: Database, pid: number) =>
  sql`select pg_terminate_backend(${pid})`.execute(database.read);
/** Until the server process is gone. */
const untilGone = async (database: Database, pid: number): Promise<void> => {
  for (;;) {
    const { rows } = await sql`select 1 from pg_stat_activity where pid = ${pid}`.execute(
      database.read,
    );
    if (rows.length === 0) return;
  }
};
const insertForge = (db: Database['read'], id: string) =>
  db.insertInto('forges').values({ id, kind: 'x', created_at: 1 }).execute();

describe('a PostgreSQL database', () => {
  const at = useDatabase(postgres!);
  const forges = async () =>
    (await at.database.read.selectFrom('forges').select('id').orderBy('id').execute()).map(
      (row) => row.id,
    );

  it.each([
    ['synchronous_commit', 'on'],
    ['idle_in_transaction_session_timeout', '4s'],
    ['statement_timeout', '10s'],
    ['lock_timeout', '5s'],
    ['application_name', 'dispatchoor'],
    ['default_transaction_isolation', 'read committed'],
  ])('is spoken to with %s = %s', async (name, value) => {
    const { rows } = await sql<{ value: string }>`select current_setting(${name}) as value`.execute(
      at.database.read,
    );
    expect(rows).toEqual([{ value }]);
  });

  it('is written to within 6 s a statement, while whoever reads has 10 s', async () => {
    const { rows } = await at.database.write(({ db }) =>
      sql<{ value: string }>`select current_setting('statement_timeout') as value`.execute(db),
    );
    expect(rows).toEqual([{ value: '6s' }]);
  });

  it('is unavailable to who waited too long in it, and goes on with the same connection', async () => {
    const pids: number[] = [];
    const slow = at.database.write(async (tx) => {
      pids.push(await pidOf(tx));
      await sql`set local statement_timeout = 20`.execute(tx.db);
      await sql`select pg_sleep(60)`.execute(tx.db);
    });
    await expect(slow).rejects.toMatchObject({ code: 'unavailable' });
    await at.database.write(async (tx) => void pids.push(await pidOf(tx)));
    expect(new Set(pids).size).toBe(1);
  });

  it('runs a write anew that lost a deadlock', async () => {
    await at.database.write(async ({ db }) => {
      await insertForge(db, 'a');
      await insertForge(db, 'b');
    });
    const bothHold = Promise.withResolvers<null>();
    let holding = 0;
    let attempts = 0;
    const cross = (database: Database, first: string, second: string) =>
      database.write(async ({ db }) => {
        attempts += 1;
        const touch = (id: string) =>
          db.updateTable('forges').set({ kind: 'y' }).where('id', '=', id).execute();
        await touch(first);
        holding += 1;
        if (holding === 2) bothHold.resolve(null);
        await bothHold.promise;
        await touch(second);
      });
    await Promise.all([cross(at.database, 'a', 'b'), cross(at.replica, 'b', 'a')]);
    expect(attempts).toBe(3);
  });

  it('says unavailable when the connection breaks before the commit, and has not committed', async () => {
    let attempts = 0;
    const broken = at.database.write(async (tx) => {
      attempts += 1;
      await insertForge(tx.db, 'f');
      const pid = await pidOf(tx);
      await terminate(at.replica, pid);
      await untilGone(at.replica, pid);
      tx.emit(emitted);
    });
    await expect(broken).rejects.toMatchObject({ code: 'unavailable' });
    expect(attempts).toBe(1);
    expect(await forges()).toEqual([]);
  });

  it('says outcome-unknown when the connection breaks during the commit, and does not try again', async () => {
    // A check at the commit that takes its time, so that the connection can be cut in the middle of it.
    await sql`create table slow_commit (id integer)`.execute(at.database.read);
    await sql
      .raw(`
      create function wait_at_commit() returns trigger language plpgsql
      as 'begin perform pg_sleep(60); return null; end'
    `)
      .execute(at.database.read);
    await sql
      .raw(`
      create constraint trigger slow after insert on slow_commit deferrable initially deferred
      for each row execute function wait_at_commit()
    `)
      .execute(at.database.read);
    let attempts = 0;
    let pid = 0;
    const isReady = Promise.withResolvers<null>();
    const broken = at.database.write(async (tx) => {
      attempts += 1;
      await sql`insert into slow_commit values (1)`.execute(tx.db);
      pid = await pidOf(tx);
      isReady.resolve(null);
    });
    broken.catch(() => undefined);
    await isReady.promise;
    for (let isCommitting = false; !isCommitting; ) {
      const { rows } = await sql`
        select 1 from pg_stat_activity where pid = ${pid} and query = 'commit' and wait_event = 'PgSleep'
      `.execute(at.replica.read);
      isCommitting = rows.length > 0;
    }
    await terminate(at.replica, pid);
    await expect(broken).rejects.toMatchObject({ code: 'outcome-unknown' });
    expect(attempts).toBe(1);
  });

  it('ends a paused transaction, so that it cannot hold the events of all others up', async () => {
    const isHeld = Promise.withResolvers<number>();
    const mayGoOn = Promise.withResolvers<null>();
    const paused = at.database.write(async (tx) => {
      await sql`set local idle_in_transaction_session_timeout = 100`.execute(tx.db);
      // What the last step of a write does, and then this process stops.
      await sql`select pg_advisory_xact_lock(5140736201)`.execute(tx.db);
      isHeld.resolve(await pidOf(tx));
      await mayGoOn.promise;
      tx.emit(emitted);
    });
    paused.catch(() => undefined);
    const pid = await isHeld.promise;
    await at.replica.write(async (tx) => tx.emit(emitted));
    await untilGone(at.replica, pid);
    mayGoOn.resolve(null);
    await expect(paused).rejects.toMatchObject({ code: 'unavailable' });
    const events = await at.database.read.selectFrom('events').select('origin').execute();
    expect(events).toEqual([{ origin: 'other' }]);
  });

  it('does not call a mistake of ours unavailable', async () => {
    const mistaken = sql`select nonsense`.execute(at.database.read);
    await expect(mistaken).rejects.toMatchObject({ code: '42703' });
    const twice = at.database.write(async ({ db }) => {
      await insertForge(db, 'f');
      await insertForge(db, 'f');
    });
    await expect(twice).rejects.toMatchObject({ code: '23505' });
  });

  it('does not commit what the server has rolled back', async () => {
    const swallowed = at.database.write(async ({ db }) => {
      await insertForge(db, 'f');
      await sql`select nonsense`.execute(db).catch(() => undefined);
    });
    await expect(swallowed).rejects.toThrow();
    expect(await forges()).toEqual([]);
  });
});

describe('a PostgreSQL server that goes away', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  const configOf = (database: string): StoreConfig => {
    const { socketDir: host, port, user } = server;
    return postgresConfigOf({ host, port, user, database });
  };
  const deps = { clock: new StoreClock(), origin: 'o', logger: silentLogger };

  it('is unavailable, ends nothing, and is used again when it is back', async () => {
    const created = await server.createDatabase();
    const database = await openDatabase(configOf(created.database), deps);
    try {
      await database.write(async ({ db }) => {
        await insertForge(db, 'f');
      });
      await server.restart('crash');
      const answers = [];
      // The connections of the pool are dead; the first use of each finds out.
      for (let i = 0; i < 3; i += 1) {
        answers.push(
          await database.ping().then(
            () => 'up',
            (error: unknown) => (error instanceof StoreError ? error.code : error),
          ),
        );
      }
      expect(answers.filter((answer) => answer !== 'up' && answer !== 'unavailable')).toEqual([]);
      expect(answers.at(-1)).toBe('up');
      const left = await database.read.selectFrom('forges').select('id').execute();
      expect(left).toEqual([{ id: 'f' }]);
    } finally {
      await database.close();
    }
  });

  it.each([
    ['nobody listens', { host: '/nowhere' }],
    ['it has no such database', { database: 'none' }],
    ['it has no such user', { user: 'nobody' }],
  ])('is unavailable when %s', async (_, wrong) => {
    const config = { ...configOf('postgres'), ...wrong };
    await expect(openDatabase(config, deps)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
