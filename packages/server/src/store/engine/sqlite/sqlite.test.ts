import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../database.ts';
import { StoreClock, silentLogger } from '../../databases.testkit.ts';
import { openDatabase, openStore } from '../../open-store.ts';

const deps = { clock: new StoreClock(), origin: 'o', logger: silentLogger };

/** Another program: runs `script` with a file's path as its argument, and stays until it is told to end. */
async function runOther(script: string, path: string): Promise<ChildProcess> {
  const code = `${script}; console.log('ready'); setInterval(() => {}, 1_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

const openInChild = `
  const { openDatabase } = await import('${new URL('../../open-store.ts', import.meta.url).href}');
  const clock = { now: () => 0, monotonic: () => 0, sleep: async () => {}, after: () => () => {} };
  globalThis.database = await openDatabase(
    { driver: 'sqlite', path: process.argv[1] },
    { clock, origin: 'child', logger: { info() {} } },
  )`;
const holdWriteLock = `
  const { DatabaseSync } = await import('node:sqlite');
  globalThis.db = new DatabaseSync(process.argv[1]);
  globalThis.db.exec('begin immediate')`;

describe('an SQLite database', () => {
  let folder: string;
  let path: string;
  const opened: Database[] = [];
  const open = async (at = path): Promise<Database> => {
    const database = await openDatabase({ driver: 'sqlite', path: at }, deps);
    opened.push(database);
    return database;
  };
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dispatchoor-sqlite-'));
    path = join(folder, 'a.db');
  });
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close();
    await rm(folder, { recursive: true });
  });

  it('keeps each commit on the disk before it says so, and checks references', async () => {
    const database = await open();
    const pragma = async (name: string) => {
      const { rows } = await database.write(({ db }) =>
        sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(db),
      );
      return Object.values(rows[0]!)[0];
    };
    expect(await pragma('journal_mode')).toBe('wal');
    expect(await pragma('synchronous')).toBe(2);
    expect(await pragma('foreign_keys')).toBe(1);
  });

  it('makes the folder it is in', async () => {
    const deep = join(folder, 'some', 'where', 'a.db');
    await open(deep);
    expect(existsSync(deep)).toBe(true);
  });

  it('is read through a connection that cannot write', async () => {
    const database = await open();
    const written = database.read
      .insertInto('forges')
      .values({ id: 'f', kind: 'x', created_at: 1 })
      .execute();
    await expect(written).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('refuses what it cannot bind, by the type of it', async () => {
    const database = await open();
    await expect(sql`select ${true}`.execute(database.read)).rejects.toThrow(
      'a boolean cannot be bound',
    );
  });

  it('has one server: a second one is told who the first is', async () => {
    await open();
    const refused = expect.stringMatching(
      `a\\.db is in use by process ${process.pid} on .+, started 2026-01-01T12:00:00.000Z`,
    );
    await expect(open()).rejects.toMatchObject({ code: 'unavailable', message: refused });
    const link = join(folder, 'link.db');
    await symlink(path, link);
    await expect(open(link)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is free again when its server has closed it, or was killed', async () => {
    const first = await open();
    await first.close();
    const child = await runOther(openInChild, path);
    await expect(open()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`process ${child.pid} on `),
    });
    await kill(child);
    const third = await open();
    expect(await third.ping()).toBeGreaterThanOrEqual(0);
  });

  it('gives back the leases of dead servers when it is opened, with their epochs', async () => {
    const before = await openStore({ driver: 'sqlite', path }, deps);
    const fence = await before.leases.tryAcquire('dispatch', 'dead', 3_600_000);
    await before.close();
    const after = await openStore({ driver: 'sqlite', path }, deps);
    try {
      const next = await after.leases.tryAcquire('dispatch', 'alive', 1_000);
      expect(next?.epoch).toBe(fence!.epoch + 1);
    } finally {
      await after.close();
    }
  });

  it('waits for another program that writes, and lets this one go on meanwhile', async () => {
    const database = await open();
    const child = await runOther(holdWriteLock, path);
    let isWritten = false;
    const written = database
      .write(async ({ db }) => {
        await db.insertInto('forges').values({ id: 'f', kind: 'x', created_at: 1 }).execute();
      })
      .then(() => {
        isWritten = true;
      });
    // Reads go on all the while.
    for (let i = 0; i < 20; i += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      await database.read.selectFrom('forges').select('id').execute();
    }
    expect(isWritten).toBe(false);
    await expect(database.ping()).rejects.toMatchObject({
      code: 'unavailable',
      message: `database ${path}: another program has locked it`,
    });
    await kill(child);
    await written;
    expect(await database.ping()).toBeGreaterThanOrEqual(0);
    expect(await database.read.selectFrom('forges').select('id').execute()).toEqual([{ id: 'f' }]);
  });

  it('lets the rest of the process run between many writes', async () => {
    const database = await open();
    let turns = 0;
    let isOver = false;
    const countTurns = (): void => {
      turns += 1;
      if (!isOver) setImmediate(countTurns);
    };
    setImmediate(countTurns);
    const writes = Array.from({ length: 300 }, (_, i) =>
      database.write(async ({ db }) => {
        await db
          .insertInto('forges')
          .values({ id: String(i), kind: 'x', created_at: 1 })
          .execute();
      }),
    );
    await Promise.all(writes);
    isOver = true;
    expect(turns).toBeGreaterThan(3);
  });

  it('says so when it is none', async () => {
    await writeFile(path, 'this is a text file, and a rather long one at that. '.repeat(50));
    await expect(open()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('a.db: it is not an SQLite database'),
    });
    await rm(path);
    await open();
  });

  it('finishes the writes in flight when it closes, and takes no more', async () => {
    const database = await open();
    const mayGoOn = Promise.withResolvers<null>();
    const written = database.write(async ({ db }) => {
      await mayGoOn.promise;
      await db.insertInto('forges').values({ id: 'f', kind: 'x', created_at: 1 }).execute();
    });
    const closed = database.close();
    await expect(database.write(async () => undefined)).rejects.toMatchObject({
      code: 'unavailable',
    });
    mayGoOn.resolve(null);
    await written;
    await closed;
    const file = new DatabaseSync(path, { readOnly: true });
    expect(file.prepare('select count(*) as n from forges').get()).toMatchObject({ n: 1 });
    file.close();
  });
});
