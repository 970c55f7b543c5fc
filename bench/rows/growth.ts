import { p99 } from '@dispatchoor/testbed';
import type { Bench } from '../bench.ts';
import {
  copyFilled,
  deepGroup,
  depthsOf,
  enqueueMore,
  groupsOf,
  pauseAll,
  quietSetup,
} from '../depth.ts';
import { copyWithHistory } from '../history.ts';
import { withPair } from '../pair.ts';
import { type CycleTimes, watchCycles } from '../phases.ts';
import { markdownTable, number } from '../report/table.ts';
import type { DatabaseSection, Setup } from '../setting.ts';
import { readTimes } from './lists.ts';

/** From here on there are enough idle runners for the whole window; with fewer, short jobs give them back. */
const MANY_RUNNERS = 1_000;

interface Size {
  readonly pending: number;
  readonly runners: number;
  /** Jobs that have ended. */
  readonly history: number;
}

interface Measured extends Size {
  readonly times: CycleTimes;
  readonly enqueueRate: number;
  readonly enqueueP99: number;
  readonly pageP99: number;
  readonly groupsP99: number;
}

/** Each figure at several sizes: along each line of sizes only one thing grows. */
export async function measureGrowth(bench: Bench): Promise<void> {
  if (!bench.has('SQLite')) return;
  const [small, middle, deep] = depthsOf(bench);
  const [few, some, many] = bench.isQuick ? [10, 20, 40] : [10, 1_000, 10_000];
  const past = bench.size(1_000_000, 1_000);
  const at = (pending: number, runners: number, history = 0) =>
    measureAt(bench, { pending, runners, history });
  const least = await at(small, few);
  const base = await at(middle, few);
  const pending = [least, base, await at(deep, few)];
  const runners = [base, await at(middle, some), await at(middle, many)];
  const history = [base, await at(middle, few, past)];
  print(bench, `More pending jobs (${few} runners)`, 'pending', pending);
  print(bench, `More runners (${number(middle)} pending)`, 'runners', runners);
  print(bench, `More history (${number(middle)} pending, ${few} runners)`, 'history', history);
}

async function measureAt(bench: Bench, size: Size): Promise<Measured> {
  const { pending, runners, history } = size;
  bench.print(`  ${pending} pending, ${runners} runners, ${history} ended …`);
  const { file, section } =
    history === 0
      ? await copyFilled(bench, pending)
      : await copyWithHistory(bench, { pending, ended: history });
  pauseAll(file);
  const times = await measureCycles(bench, runners, section);
  const quiet = await measureQuiet(bench, quietSetup(bench, runners), section);
  return { ...size, ...quiet, times };
}

type Quiet = Omit<Measured, keyof Size | 'times'>;

async function measureQuiet(bench: Bench, setup: Setup, database: DatabaseSection): Promise<Quiet> {
  return withPair(bench, { name: 'growth-quiet', setup, database }, async (pair) => {
    const reads = bench.size(500, 50);
    const page = await readTimes(pair, `/api/v1/groups/${deepGroup}/queue?limit=100`, reads);
    const groups = await readTimes(pair, '/api/v1/groups', reads);
    const sizes = { count: bench.size(2_000, 100), unmeasured: bench.size(500, 50) };
    const result = await enqueueMore(bench, pair, sizes);
    const { durationsMs, spanMs } = result;
    return {
      enqueueRate: (durationsMs.length / spanMs) * 1_000,
      enqueueP99: p99([...durationsMs]),
      pageP99: p99(page),
      groupsP99: p99(groups),
    };
  });
}

async function measureCycles(
  bench: Bench,
  runners: number,
  database: DatabaseSection,
): Promise<CycleTimes> {
  const isMany = runners >= MANY_RUNNERS;
  const setup = { groups: groupsOf(bench), runners, jobMs: isMany ? 3_600_000 : 50 };
  const options = {
    ...{ name: 'growth-cycles', setup, database },
    ...(!isMany && { intervals: { poll: '300ms', track: '300ms' } }),
  };
  return withPair(bench, options, (pair) => watchCycles(pair, setup, bench.size(4_000, 1_000)));
}

const HEAD = [
  'load ms',
  'plan ms',
  'claim ms',
  'cycles',
  'enqueue /s',
  'enqueue p99 ms',
  'queue page p99 ms',
  'group list p99 ms',
];

function print(
  bench: Bench,
  title: string,
  grows: keyof Size,
  measured: readonly Measured[],
): void {
  const head = [grows, ...HEAD];
  const rows = measured.map(({ times, ...each }) => [
    each[grows].toLocaleString('en-US'),
    ...[times.loadMs, times.planMs, times.claimMs].map((ms) =>
      ms === undefined ? '–' : number(ms),
    ),
    String(times.cycles),
    ...[each.enqueueRate, each.enqueueP99, each.pageP99, each.groupsP99].map(number),
  ]);
  const table = markdownTable(head, rows, new Set(head.keys()));
  bench.growth.push({ title, head, rows, table });
}
