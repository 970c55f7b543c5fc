import { median, p99 } from '@dispatchoor/testbed';
import type { Bench } from '../bench.ts';
import { copyFilled, deepGroup, depthsOf, quietSetup } from '../depth.ts';
import { now } from '../lib/clock.ts';
import { drive } from '../load/drive.ts';
import { type Pair, withPair } from '../pair.ts';
import { atMost } from '../report/figure.ts';

const ROW = 'lists';
const PAGE = `/api/v1/groups/${deepGroup}/queue?limit=100`;
const GROUPS = '/api/v1/groups';
/** So many people look at once. */
const CONNECTIONS = 4;

/** Reads at full depth, while nothing else happens. */
export async function measureLists(bench: Bench): Promise<void> {
  if (!bench.has('SQLite')) return;
  const [, , pending] = depthsOf(bench);
  const { section: database } = await copyFilled(bench, pending);
  const options = { name: ROW, setup: quietSetup(bench, bench.size(10_000, 100)), database };
  await withPair(bench, options, async (pair) => {
    const note = `${CONNECTIONS} connections, ${pending} pending`;
    const shared = { row: ROW, on: 'SQLite', unit: 'ms', note };
    for (const [name, path] of [
      ['queue page of 100', PAGE],
      ['group list', GROUPS],
    ] as const) {
      const samples = await readTimes(pair, path, bench.size(2_000, 100));
      bench.add(
        { ...shared, name: `${name}, p50`, value: median(samples) },
        { ...shared, name: `${name}, p99`, value: p99(samples), budget: atMost(25) },
      );
    }
    await measureStream(bench, pair);
  });
}

/** @returns how long each took, in ms */
export async function readTimes(pair: Pair, path: string, count: number): Promise<number[]> {
  const { server, folder } = pair;
  const { url, token } = server;
  const work = { kind: 'read', path } as const;
  const sizes = { count, unmeasured: count / 4, connections: CONNECTIONS };
  return [...(await drive(folder, { url, token, ...sizes, work })).durationsMs];
}

/** The longest queue as one array; meanwhile the main thread must have turns for others. */
async function measureStream(bench: Bench, { server }: Pair): Promise<void> {
  await server.child.watchDelay();
  const sentAt = now();
  const response = await fetch(`${server.url}/api/v1/groups/${deepGroup}/queue`, {
    headers: { authorization: `Bearer ${server.token}` },
  });
  let firstMs: number | undefined;
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    firstMs ??= now() - sentAt;
    bytes += (chunk as Uint8Array).length;
  }
  const totalMs = now() - sentAt;
  const { maxMs } = await server.child.readDelay();
  const note = `${(bytes / 1e6).toFixed(1)} MB, longest block of the main thread ${maxMs.toFixed(1)} ms`;
  const shared = { row: ROW, on: 'SQLite', unit: 'ms' };
  bench.add(
    { ...shared, name: 'whole queue unpaged, first byte', value: firstMs ?? NaN },
    { ...shared, name: 'whole queue unpaged, to the end', value: totalMs, note },
  );
}
