import { p99 } from '@dispatchoor/testbed';
import type { Bench, DatabaseName } from '../bench.ts';
import { rawCommitRate } from '../commit-rate.ts';
import { copyFilled, depthsOf, enqueueMore, quietSetup } from '../depth.ts';
import { makeFilledPostgres } from '../filled-postgres.ts';
import type { LoadResult } from '../load/plan.ts';
import { type Pair, withPair } from '../pair.ts';
import { atLeast, atMost } from '../report/figure.ts';
import type { DatabaseSection } from '../setting.ts';

const ROW = 'enqueue';

/** Jobs added over HTTP at full depth, 32 requests at a time. */
export async function measureEnqueue(bench: Bench): Promise<void> {
  for (const on of bench.databases) {
    const database = await filled(bench, on);
    const options = { name: `enqueue-${on}`, setup: quietSetup(bench), database };
    await withPair(bench, options, (pair) => measureOn(bench, on, pair));
  }
  if (!bench.has('SQLite')) return;
  const folder = await bench.makeFolder('commits');
  const value = rawCommitRate(folder, bench.size(2_000, 300));
  const name = 'commits of one row, forced to the same disk';
  bench.add({ row: ROW, name, on: 'SQLite', value, unit: '/s' });
}

async function filled(bench: Bench, on: DatabaseName): Promise<DatabaseSection> {
  const [, , pending] = depthsOf(bench);
  if (on === 'SQLite') return (await copyFilled(bench, pending)).section;
  return makeFilledPostgres(bench, pending);
}

async function measureOn(bench: Bench, on: DatabaseName, pair: Pair): Promise<void> {
  const { child } = pair.server;
  const count = bench.size(20_000, 500);
  const unmeasured = bench.size(2_000, 100);
  await child.watchDelay();
  const plain = await bench.profiled(`${ROW}-${on}`, child, () =>
    enqueueMore(bench, pair, { count, unmeasured }),
  );
  const { maxMs } = await child.readDelay();
  report(bench, on, { result: plain, isVerified: on === 'SQLite', maxMs });
  const keyed = await enqueueMore(bench, pair, {
    count: count / 4,
    unmeasured,
    keyPrefix: 'keyed',
  });
  bench.add({
    ...{ row: ROW, on, name: 'enqueue with Idempotency-Key', unit: '/s' },
    value: rateOf(keyed),
    note: `p99 ${p99([...keyed.durationsMs]).toFixed(1)} ms`,
  });
}

interface Measured {
  readonly result: LoadResult;
  /** The budget is SQLite's; PostgreSQL is shown beside it. */
  readonly isVerified: boolean;
  readonly maxMs: number;
}

function report(bench: Bench, on: DatabaseName, { result, isVerified, maxMs }: Measured): void {
  const { durationsMs, spanMs, generatorCpuMs } = result;
  const idle = `${durationsMs.length} requests, generator busy ${((generatorCpuMs / spanMs) * 100).toFixed(0)} %`;
  const shared = { row: ROW, on };
  bench.add(
    {
      ...{ ...shared, name: 'enqueue', value: rateOf(result), unit: '/s', note: idle },
      ...(isVerified && { budget: atLeast(2_000) }),
    },
    {
      ...{ ...shared, name: 'enqueue, p99', value: p99([...durationsMs]), unit: 'ms' },
      note: `longest block of the main thread ${maxMs.toFixed(1)} ms`,
      ...(isVerified && { budget: atMost(25) }),
    },
  );
}

function rateOf({ durationsMs, spanMs }: LoadResult): number {
  return (durationsMs.length / spanMs) * 1_000;
}
