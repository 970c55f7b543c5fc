import type { Bench } from '../bench.ts';
import { untilAllSettled } from '../lib/until-all-settled.ts';
import { atMost } from '../report/figure.ts';
import type { Intervals } from '../setting.ts';
import { drainQueue } from '../work-off.ts';

const ROW = 'drain';
const JOB_MS = 10_000;
/** A row that never ends would keep the others from running. */
const WITHIN_MS = 600_000;

interface Way {
  readonly name: string;
  readonly isWebhookOn: boolean;
  readonly intervals: Intervals;
  readonly ratio: number;
  readonly calls: number;
}

const ways: readonly Way[] = [
  {
    ...{ name: 'webhooks on', isWebhookOn: true, intervals: { poll: '60s', track: '30s' } },
    ...{ ratio: 1.05, calls: 1.2 },
  },
  {
    ...{ name: 'webhooks off', isWebhookOn: false, intervals: { poll: '5s', track: '5s' } },
    ...{ ratio: 1.6, calls: 3 },
  },
];

/** A full queue worked off by equal runners. Both ways at once, each with a forge of its own: they mostly wait. */
export async function measureDrain(bench: Bench): Promise<void> {
  if (!bench.has('SQLite')) return;
  await untilAllSettled(ways.map((way) => drain(bench, way)));
}

async function drain(bench: Bench, way: Way): Promise<void> {
  const jobs = bench.size(500, 20);
  const { ratio, calls, note } = await drainQueue(bench, {
    ...{ name: `drain-${way.isWebhookOn ? 'on' : 'off'}`, withinMs: WITHIN_MS },
    ...{ intervals: way.intervals, isWebhookOn: way.isWebhookOn },
    ...{ jobs, runners: bench.size(50, 10), jobMs: bench.size(JOB_MS, 2_000) },
  });
  const shared = { row: ROW, on: 'SQLite', unit: '' };
  const perJob = { value: calls / jobs, budget: atMost(way.calls), note: `${calls} calls` };
  bench.add(
    {
      ...{ ...shared, name: `drain ÷ ideal, ${way.name}` },
      ...{ value: ratio, budget: atMost(way.ratio), note },
    },
    { ...shared, name: `forge calls per job, ${way.name}`, ...perJob },
  );
}
