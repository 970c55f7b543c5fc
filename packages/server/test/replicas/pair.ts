import { databases, type TestDatabase } from '../../src/store/databases.testkit.ts';
import { listLeases, pidOf } from '../processes/rows.ts';
import type { ServerProcess } from '../processes/server-process.ts';
import type { Site } from '../processes/site.ts';

/** The one that takes several servers. */
export const [postgres] = databases.filter(({ name }) => name === 'postgres') as [TestDatabase];

/** Sorted, as `listLeases` gives them. */
export const LOOPS = [
  'cancel-runs:github',
  'dispatch:github',
  'poll-runners:github',
  'retention',
  'take-webhooks:github',
  'track-runs:github',
];

/** Which server has which loop, once each has a server: a lease has one holder at a time. */
export async function holdersOf(
  site: Site,
  servers: readonly ServerProcess[],
  loops: readonly string[] = LOOPS,
): Promise<Record<string, string>> {
  const leases = await site.until(
    'every loop has a server',
    () => listLeases(site.database),
    (rows) => {
      const held = rows.filter((row) => row.is_held === 1 && findHolder(row, servers));
      return loops.every((loop) => held.some(({ name }) => name === loop));
    },
  );
  return Object.fromEntries(
    leases.map((row) => [row.name, findHolder(row, servers)?.name ?? row.holder]),
  );
}

function findHolder(
  row: Parameters<typeof pidOf>[0],
  servers: readonly ServerProcess[],
): ServerProcess | undefined {
  return servers.find(({ pid }) => pid === pidOf(row));
}

/** Each of these counters, summed over the servers, until `holds`: a counter follows its commit. */
export function sumOfCounters<Name extends string>(
  site: Site,
  servers: readonly ServerProcess[],
  wanted: Readonly<Record<Name, number>>,
): Promise<Record<Name, number>> {
  const names = Object.keys(wanted) as Name[];
  const read = async (): Promise<Record<Name, number>> => {
    const sums = names.map((name) => [name, 0] as [Name, number]);
    for (const server of servers) {
      site.ask(server);
      const seen = await site.api.metrics();
      for (const sum of sums) sum[1] += seen.get(sum[0]) ?? 0;
    }
    return Object.fromEntries(sums) as Record<Name, number>;
  };
  return site.until(`the counters are ${JSON.stringify(wanted)}`, read, (sums) =>
    names.every((name) => sums[name] === wanted[name]),
  );
}
