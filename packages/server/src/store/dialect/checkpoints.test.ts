import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
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

async function commit(times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    await checkpoints.letWrite();
    db.exec('insert into t values (1)');
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

it('bring what was committed into the file, every so many writes', async () => {
  await commit(63);
  expect(await countInFile()).toBeUndefined();
  await checkpoints.letWrite();
  await checkpoints.close();
  expect(await countInFile()).toBe(63);
  expect(logged).toEqual([]);
});

it('start nothing once they are closed', async () => {
  await checkpoints.close();
  await commit(64);
  expect(await countInFile()).toBeUndefined();
});

it('say why they failed, and fail nobody', async () => {
  const missing = new Checkpoints(join(folder, 'no', 'such.db'), {
    clock: systemClock,
    logger: makeLogger('debug', { write: (line) => void logged.push(line) }),
  });
  for (let n = 0; n < 64; n += 1) await missing.letWrite();
  await missing.close();
  expect(logged.join('')).toContain('write-ahead log of the database not taken over');
  expect(logged.join('')).toContain('unable to open database file');
});

it('let writes go on, and end, where no thread can be started', async () => {
  const alone = new Checkpoints(path, {
    clock: systemClock,
    logger: makeLogger('debug', { write: (line) => void logged.push(line) }),
    startThread: () => {
      throw new Error('no more threads');
    },
  });
  for (let n = 0; n < 128; n += 1) await alone.letWrite();
  await alone.close();
  expect(logged.join('')).toContain('no more threads');
});

it('let a long log begin anew before a write, when nobody else can be writing', async () => {
  const modes: unknown[] = [];
  const twoDone = Promise.withResolvers<unknown>();
  const thread = `const { parentPort } = require('node:worker_threads');
    parentPort.on('message', (mode) => parentPort.postMessage({ logPages: 16_000, mode }));`;
  const long = new Checkpoints(path, {
    clock: systemClock,
    logger: makeLogger('debug', { write: (line) => void logged.push(line) }),
    startThread: () =>
      new Worker(thread, { eval: true }).on('message', ({ mode }: { mode: unknown }) => {
        modes.push(mode);
        if (modes.length === 2) twoDone.resolve(modes);
      }),
  });
  for (let n = 0; n < 64; n += 1) await long.letWrite();
  await twoDone.promise;
  expect(modes).toEqual(['passive', 'passive']);
  await long.letWrite();
  expect(modes).toEqual(['passive', 'passive', 'restart']);
  await long.close();
});
