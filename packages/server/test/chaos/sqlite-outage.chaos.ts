import { execFile } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import type { TestDatabase } from '../../src/store/databases.testkit.ts';
import { sqlite } from '../harness/world.ts';
import { Site } from '../processes/site.ts';
import { verify } from '../processes/verify/verify.ts';
import { type ChaosContext, chaos } from './chaos.ts';
import { JobFlow } from './job-flow.ts';
import { degraded, expectClear, mostWarningsASecond, recovered } from './outage.ts';
import { namedScenario } from './scenario.ts';

const run = promisify(execFile);

/** So long a write waits for a lock; then its 503, on a busy machine. */
const LONGEST_ANSWER_MS = 30_000;

function openSite(context: ChaosContext, database: TestDatabase): Promise<Site> {
  return Site.open({ database, ...namedScenario(6) }, context);
}

function pathOf({ database }: Site): string {
  if (database.driver !== 'sqlite') throw new Error('this is about a file');
  return database.path;
}

chaos('database:second-server on the same SQLite file', async (context) => {
  const site = await openSite(context, sqlite);
  const first = await site.start();
  const flow = new JobFlow(site, { servers: () => [first], everyMs: 200 });
  const rounds = context.size === 'full' ? 5 : 1;
  for (let round = 0; round < rounds; round += 1) {
    const second = await site.spawn();
    expect(await second.exited).toEqual({ code: 1, signal: null });
    const errors = second.logLines.filter((line) => line.startsWith('Error: '));
    expect(errors).toEqual([expect.stringContaining(`in use by process ${first.pid} on `)]);
  }
  const jobs = await flow.end();
  expect(flow.refusals, 'the first did not notice').toEqual([]);
  return { ...(await verify(site, jobs)), rounds };
});

chaos('database:locked by another program under load', async (context) => {
  const site = await openSite(context, sqlite);
  const server = await site.start();
  const flow = new JobFlow(site, { servers: () => [server], everyMs: 200 });
  // The last is beyond the patience of a write, and the end of every lease.
  const locksMs = context.size === 'full' ? [500, 3_000, 20_000] : [1_500];
  let slowestMs = 0;
  for (const ms of locksMs) {
    await wait(context.random.within([200, 1_000]));
    const other = new DatabaseSync(pathOf(site), { timeout: 5_000 });
    other.exec('begin immediate');
    const until = wait(ms);
    const { database } = await degraded(site, server);
    expect(database?.error).toBe(`database ${pathOf(site)}: another program has locked it`);
    await until;
    other.exec('rollback');
    other.close();
    const tookMs = await recovered(site, server);
    context.say(JSON.stringify({ ms, database, tookMs }));
    slowestMs = Math.max(slowestMs, tookMs);
  }
  const jobs = await flow.end();
  expectClear(flow.refusals, LONGEST_ANSWER_MS);
  return {
    ...(await verify(site, jobs)),
    refusals: flow.refusals.length,
    'well again within ms': slowestMs,
    'warnings a second': mostWarningsASecond(server),
  };
});

/** SQLite on a disk of its own. `undefined`: mounting is not allowed here. */
async function openSmallDisk({ onTestFinished }: ChaosContext): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'dispatchoor-disk-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'dispatchoor-test', folder]);
  } catch {
    return undefined;
  }
  onTestFinished(async () => {
    await run('umount', [folder]);
  });
  return folder;
}

/** @returns how to free it again */
async function fillDisk(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'filler');
  const file = await open(path, 'w');
  // In pieces that get smaller: the last byte is to be taken.
  for (let size = 1024 * 1024; size >= 1; ) {
    const isWritten = await file.write(Buffer.alloc(size)).then(
      ({ bytesWritten }) => bytesWritten === size,
      () => false,
    );
    if (!isWritten) size = Math.floor(size / 2);
  }
  await file.close();
  return () => rm(path);
}

chaos('database:disk-full under load, and freed again', async (context) => {
  const folder = await openSmallDisk(context);
  if (folder === undefined) return context.skip('mounting a tmpfs is not allowed here');
  const path = join(folder, 'dispatchoor.db');
  const site = await openSite(context, {
    name: 'sqlite',
    create: async () => ({ config: { driver: 'sqlite', path }, remove: async () => undefined }),
  });
  const server = await site.start();
  const flow = new JobFlow(site, { servers: () => [server], everyMs: 200 });
  const rounds = context.size === 'full' ? 5 : 1;
  let slowestMs = 0;
  for (let round = 0; round < rounds; round += 1) {
    await wait(context.random.within([200, 1_500]));
    const free = await fillDisk(folder);
    const { database } = await degraded(site, server);
    expect(database?.error).toBe(`database ${path}: the disk is full`);
    await wait(context.random.within(context.size === 'full' ? [500, 12_000] : [200, 500]));
    await free();
    const tookMs = await recovered(site, server);
    context.say(JSON.stringify({ database, tookMs }));
    slowestMs = Math.max(slowestMs, tookMs);
  }
  const jobs = await flow.end();
  expectClear(flow.refusals, LONGEST_ANSWER_MS);
  return {
    ...(await verify(site, jobs)),
    rounds,
    refusals: flow.refusals.length,
    'well again within ms': slowestMs,
    'warnings a second': mostWarningsASecond(server),
  };
});
