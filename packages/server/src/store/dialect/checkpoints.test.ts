import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { makeLogger } from '../../lib/logger.ts';
import { Checkpoints } from './checkpoints.ts';

let folder: string;
let path: string;
let db: DatabaseSync;
let logged: string[];
let checkpoints: Checkpoints;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dispatchoor-checkpoints-'));
  path = join(folder, 'a.db');
  db = new DatabaseSync(path);
  db.exec('pragma journal_mode = wal; pragma wal_autocheckpoint = 0; create table t (id integer)');
  logged = [];
  const logger = makeLogger('debug', { write: (line) => void logged.push(line) });
  checkpoints = new Checkpoints(path, { clock: systemClock, logger });
});
afterEach(async () => {
  await checkpoints.close();
  if (db.isOpen) db.close();
  await rm(folder, { recursive: true });
});

function commit(times: number): void {
  for (let n = 0; n < times; n += 1) {
    db.exec('insert into t values (1)');
    checkpoints.noteCommit();
  }
}

/** What the file shows without its log. */
async function countInFile(): Promise<unknown> {
  const copy = join(folder, 'copy.db');
  await copyFile(path, copy);
  const file = new DatabaseSync(copy);
  try {
    const { n } =
      file.prepare("select count(*) as n from sqlite_master where name = 't'").get() ?? {};
    return n === 0 ? undefined : file.prepare('select count(*) as n from t').get()?.['n'];
  } finally {
    file.close();
  }
}

it('bring what was committed into the file, every so many commits', async () => {
  commit(63);
  expect(await countInFile()).toBeUndefined();
  commit(1);
  await checkpoints.close();
  expect(await countInFile()).toBe(64);
  expect(logged).toEqual([]);
});

it('start nothing once they are closed', async () => {
  await checkpoints.close();
  commit(64);
  expect(await countInFile()).toBeUndefined();
});

it('say why they failed, and fail nobody', async () => {
  const missing = new Checkpoints(join(folder, 'no', 'such.db'), {
    clock: systemClock,
    logger: makeLogger('debug', { write: (line) => void logged.push(line) }),
  });
  for (let n = 0; n < 64; n += 1) missing.noteCommit();
  await missing.close();
  expect(logged.join('')).toContain('write-ahead log of the database not taken over');
  expect(logged.join('')).toContain('unable to open database file');
});
