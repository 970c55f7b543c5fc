import { execFile } from 'node:child_process';
import { chmod, link, mkdtemp, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../lib/clock.ts';
import type { Database } from '../../database.ts';
import { StoreClock, silentLogger } from '../../databases.testkit.ts';
import { openDatabase } from '../../open-store.ts';
import { listMountPoints } from './place.ts';

const run = promisify(execFile);
const deps = { clock: new StoreClock(), origin: 'o', logger: silentLogger };

describe('the file of an SQLite database', () => {
  let folder: string;
  let path: string;
  const opened: Database[] = [];
  const open = async (at = path): Promise<Database> => {
    const database = await openDatabase({ driver: 'sqlite', path: at }, deps);
    opened.push(database);
    return database;
  };
  const openImpatiently = async (at: string): Promise<Database> => {
    let now = 0;
    const clock: Clock = {
      ...systemClock,
      monotonic: () => now,
      sleep: async (ms) => {
        now += ms;
      },
    };
    return openDatabase({ driver: 'sqlite', path: at }, { ...deps, clock });
  };
  const refusal = (message: string) => ({
    code: 'unavailable',
    message: expect.stringContaining(message),
  });
  const insertForge = (database: Database, id: string) =>
    database.write(async ({ db }) => {
      await db.insertInto('forges').values({ id, kind: 'x', created_at: 1 }).execute();
    });
  const listForges = async (database: Database) =>
    (await database.read.selectFrom('forges').select('id').execute()).map(({ id }) => id);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dispatchoor-place-'));
    path = join(folder, 'a.db');
  });
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close();
    await rm(folder, { recursive: true });
  });

  it('is not served through a hard link while a server has it', async () => {
    await open();
    const other = join(folder, 'b.db');
    await link(path, other);
    await expect(open(other)).rejects.toMatchObject(refusal('the file has 2 names (hard links)'));
  });

  it('with two names is served under neither, and again once one is removed', async () => {
    await (await open()).close();
    const other = join(folder, 'b.db');
    await link(path, other);
    await expect(open()).rejects.toMatchObject(refusal('remove all but one'));
    await rm(other);
    await open();
  });

  it('is found through a symbolic link that was there before it', async () => {
    const other = join(folder, 'link.db');
    await symlink('a.db', other);
    await open(other);
    await expect(open()).rejects.toMatchObject(refusal('is in use by process'));
  });

  it.each([
    ['a folder', '.', 'it is no regular file'],
    ['below a file', 'file/a.db', 'it cannot be opened'],
  ])('cannot be %s', async (_, at, message) => {
    await writeFile(join(folder, 'file'), '');
    await expect(open(join(folder, at))).rejects.toMatchObject(refusal(message));
  });

  it('mounted by itself, as with docker -v x.db:/data/x.db, is refused with what to mount', async (context) => {
    await (await open()).close();
    const other = join(folder, 'mounted.db');
    await writeFile(other, '');
    const script = `
      const { openDatabase } = await import('${new URL('../../open-store.ts', import.meta.url).href}');
      const clock = { now: () => 0, monotonic: () => 0, sleep: async () => {}, after: () => () => {} };
      const deps = { clock, origin: 'child', logger: { info() {}, warn() {} } };
      try {
        await openDatabase({ driver: 'sqlite', path: process.argv[1] }, deps);
        console.log('opened');
      } catch (error) {
        console.log(error.code, error.message);
      }`;
    const inNamespace = async (command: string, ...args: string[]): Promise<string> => {
      const { stdout } = await run('unshare', ['-m', 'sh', '-ec', command, 'sh', ...args]);
      return stdout;
    };
    const mount = 'mount --bind "$1" "$2"';
    const isAllowed = await inNamespace(mount, path, other).then(
      () => true,
      () => false,
    );
    if (!isAllowed) return context.skip('mount --bind is not allowed here');
    const answer = await inNamespace(
      `${mount}; exec "$3" --input-type=module --eval "$4" "$2"`,
      ...[path, other, process.execPath, script],
    );
    expect(answer).toContain(`unavailable database ${other}: the file itself is mounted here`);
    expect(answer).toContain('mount the folder that it is in instead');
  });

  it('is looked for among the mount points as Linux lists them', () => {
    const mountinfo = [
      '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
      '98 22 254:0 /srv/x.db /data/x.db rw,relatime master:1 - ext4 /dev/vda rw,discard',
      '99 22 0:44 /a /with\\040blank\\134.db rw - tmpfs tmpfs rw',
      '',
    ].join('\n');
    expect(listMountPoints(mountinfo)).toEqual(['/', '/data/x.db', '/with blank\\.db']);
  });

  it.each([
    ['replaced by a backup', 'the database file', '', true],
    ['moved away', 'the database file', '', false],
    ['robbed of its log', 'a.db-wal', '-wal', false],
    ['robbed of the index of its log', 'a.db-shm', '-shm', false],
    ['robbed of its lock, taken for a stale one', 'a.db.lock', '.lock', false],
  ])(
    '%s takes no write and is unhealthy until a restart, though it comes back',
    async (_, what, suffix, hasOther) => {
      const database = await open();
      await insertForge(database, 'before');
      await rename(path + suffix, `${path}.away`);
      if (hasOther) await writeFile(path, 'another');
      const message = expect.stringMatching(`${what} was moved, deleted or replaced`);
      const expected = { code: 'unavailable', message };
      await expect(insertForge(database, 'lost')).rejects.toMatchObject(expected);
      await expect(database.ping()).rejects.toMatchObject(expected);
      expect(await listForges(database)).toEqual(['before']);
      await rename(`${path}.away`, path + suffix);
      await expect(insertForge(database, 'lost')).rejects.toMatchObject(expected);
      await expect(database.ping()).rejects.toMatchObject(expected);
      await database.close();
      const restarted = await open();
      await insertForge(restarted, 'after');
      await restarted.ping();
      expect(await listForges(restarted)).toEqual(['after', 'before']);
    },
  );

  it('renamed under a server is opened by no second one, so that neither destroys it once it is back', async () => {
    const first = await open();
    await insertForge(first, 'first');
    const other = join(folder, 'b.db');
    await rename(path, other);
    await expect(openImpatiently(other)).rejects.toMatchObject(
      refusal(`database ${other}: another program has the file open`),
    );
    await rename(other, path);
    await first.close();
    expect(await listForges(await open())).toEqual(['first']);
  });

  it('that a backup reads along is opened as soon as that lets go of it', async () => {
    await (await open()).close();
    const backup = new DatabaseSync(path, { readOnly: true });
    backup.exec('begin; select count(*) from sqlite_schema');
    const letGo: Clock = {
      ...systemClock,
      sleep: async () => {
        if (backup.isOpen) backup.close();
      },
    };
    const database = await openDatabase({ driver: 'sqlite', path }, { ...deps, clock: letGo });
    opened.push(database);
    await insertForge(database, 'f');
  });

  it('that took the place of the one in use keeps its own log when the first server ends', async () => {
    const first = await open();
    await insertForge(first, 'first');
    for (const suffix of ['', '-wal', '-shm', '.lock']) {
      await rename(path + suffix, `${path}.away${suffix}`);
    }
    const second = await open();
    await insertForge(second, 'second');
    await first.close();
    expect(await listForges(second)).toEqual(['second']);
    await stat(`${path}-wal`);
    await insertForge(second, 'third');
  });

  it('can be read by its owner only, with all that stands beside it', async () => {
    const modesOf = async () => {
      const files = ['', '-wal', '-shm', '.lock', '.lock.holder'].map((suffix) => path + suffix);
      const modes = files.map(async (file) => [
        basename(file),
        ((await stat(file)).mode & 0o777).toString(8),
      ]);
      return Object.fromEntries(await Promise.all(modes)) as unknown;
    };
    const all600 = {
      ...{ 'a.db': '600', 'a.db-wal': '600', 'a.db-shm': '600' },
      ...{ 'a.db.lock': '600', 'a.db.lock.holder': '600' },
    };
    const first = await open();
    await insertForge(first, 'f');
    expect(await modesOf()).toEqual(all600);
    await first.close();
    await chmod(path, 0o644);
    await chmod(`${path}.lock`, 0o644);
    await insertForge(await open(), 'g');
    expect(await modesOf()).toEqual(all600);
  });
});
