import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Bench, sqliteIn } from './bench.ts';
import { now } from './lib/clock.ts';
import { drive } from './load/drive.ts';
import type { EnqueueWork, LoadPlan, LoadResult } from './load/plan.ts';
import { withPair } from './pair.ts';
import { type DatabaseSection, groupId, type Setup, templateId } from './setting.ts';

const CONNECTIONS = 32;
/** The other groups have a thousandth of all jobs each, group 0 has the rest: its queue is the deep one. */
const SHARE_OF_OTHERS = 1_000;

/** Jobs wait in that many groups. */
export function groupsOf(bench: Bench): number {
  return bench.size(100, 10);
}

/** The depths at which figures are compared; the last one is that of the budgets. */
export function depthsOf(bench: Bench): readonly [number, number, number] {
  return bench.isQuick ? [100, 300, 1_000] : [1_000, 10_000, 100_000];
}

/** Runners that are all taken: what is queued stays queued. */
export function quietSetup(bench: Bench, runners = 10): Setup {
  return { groups: groupsOf(bench), runners, areRunnersBusy: true, jobMs: 3_600_000 };
}

/** The deepest queue of a database with so many pending jobs. */
export const deepGroup = groupId(0);

/** What to add to a database with `from` pending jobs so that it has `to`. */
export function queuesBetween(from: number, to: number, groups: number): EnqueueWork['queues'] {
  const others = Math.floor(to / SHARE_OF_OTHERS) - Math.floor(from / SHARE_OF_OTHERS);
  return Array.from({ length: groups }, (_, i) => ({
    groupId: groupId(i),
    templateId: templateId(i),
    jobs: i === 0 ? to - from - others * (groups - 1) : others,
  }));
}

/** How deep a database is, and where its stopped server left it. */
interface Filled {
  readonly pending: number;
  readonly file: string;
}

const filledOf = new WeakMap<Bench, Filled[]>();

/** A SQLite database with so many pending jobs in a fresh folder, and nobody using it. It is filled once per run, by way of HTTP. */
export async function copyFilled(bench: Bench, pending: number): Promise<FilledCopy> {
  const known = filledOf.get(bench) ?? [];
  filledOf.set(bench, known);
  let filled = known.find((each) => each.pending === pending);
  if (filled === undefined) {
    const below = known.filter((each) => each.pending < pending).at(-1);
    filled = await fill(bench, below, pending);
    known.push(filled);
    known.sort((a, b) => a.pending - b.pending);
  }
  return copyOf(bench, filled.file);
}

export interface FilledCopy {
  readonly file: string;
  readonly section: DatabaseSection;
}

async function copyOf(bench: Bench, file: string): Promise<FilledCopy> {
  const folder = await bench.makeFolder('database');
  const copy = join(folder, 'dispatchoor.db');
  await copyFile(file, copy);
  return { file: copy, section: sqliteIn(folder) };
}

async function fill(bench: Bench, below: Filled | undefined, pending: number): Promise<Filled> {
  const from = below?.pending ?? 0;
  const folder = await bench.makeFolder(`filled-${pending}`);
  const file = join(folder, 'dispatchoor.db');
  if (below !== undefined) await copyFile(below.file, file);
  const startedAt = now();
  const options = {
    name: `fill-${pending}`,
    setup: quietSetup(bench),
    database: sqliteIn(folder),
  };
  const { spanMs } = await withPair(bench, options, ({ server, folder: logs }) =>
    drive(logs, {
      ...{ url: server.url, token: server.token, connections: CONNECTIONS },
      count: pending - from,
      work: {
        kind: 'enqueue',
        queues: queuesBetween(from, pending, groupsOf(bench)),
        keyPrefix: `fill-${from}`,
      },
    }),
  );
  settle(file);
  const rate = ((pending - from) / spanMs) * 1_000;
  const seconds = (now() - startedAt) / 1_000;
  bench.print(`  filled to ${pending} pending in ${seconds.toFixed(1)} s, ${rate.toFixed(0)}/s`);
  return { pending, file };
}

/** Everything into the one file, so that it can be copied. */
function settle(file: string): void {
  const database = new DatabaseSync(file);
  database.exec('pragma wal_checkpoint(truncate)');
  database.close();
}

/** Nothing is dispatched until `resumeAll`: of a stopped server's database. */
export function pauseAll(file: string): void {
  const database = new DatabaseSync(file);
  database.exec('update groups set is_paused = 1');
  database.close();
}

interface Added extends Required<Pick<LoadPlan, 'count' | 'unmeasured'>> {
  readonly keyPrefix?: string;
}

/** Jobs added to all groups in turn, as fast as they are answered. */
export async function enqueueMore(
  bench: Bench,
  pair: {
    readonly server: { readonly url: string; readonly token: string };
    readonly folder: string;
  },
  { count, unmeasured, keyPrefix }: Added,
): Promise<LoadResult> {
  const { server, folder } = pair;
  const groups = groupsOf(bench);
  const queues = Array.from({ length: groups }, (_, i) => ({
    ...{ groupId: groupId(i), templateId: templateId(i) },
    jobs: Math.ceil((count + unmeasured) / groups),
  }));
  return drive(folder, {
    ...{ url: server.url, token: server.token, connections: CONNECTIONS },
    ...{ count, unmeasured },
    work: { kind: 'enqueue', queues, ...(keyPrefix !== undefined && { keyPrefix }) },
  });
}
