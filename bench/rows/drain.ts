import type { Bench } from '../bench.ts';
import { idealDrainMs } from '../ideal.ts';
import { sleep } from '../lib/clock.ts';
import { drive } from '../load/drive.ts';
import { type Pair, withPair } from '../pair.ts';
import { atMost } from '../report/figure.ts';
import { groupId, type Intervals, templateId } from '../setting.ts';

const ROW = 'drain';
const JOB_MS = 10_000;

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
  // Both to their end, whatever becomes of the other.
  const drains = await Promise.allSettled(ways.map((way) => drain(bench, way)));
  const errors: unknown[] = drains.flatMap((each) =>
    each.status === 'rejected' ? [each.reason as unknown] : [],
  );
  if (errors.length > 0) throw new AggregateError(errors, errors.join('; '));
}

async function drain(bench: Bench, way: Way): Promise<void> {
  const jobs = bench.size(500, 20);
  const runners = bench.size(50, 10);
  const jobMs = bench.size(JOB_MS, 2_000);
  const { intervals, isWebhookOn } = way;
  const setting = { groups: 1, runners, jobMs };
  const name = `drain-${isWebhookOn ? 'on' : 'off'}`;
  const options = { name, setting, profile: 'github', intervals, isWebhookOn } as const;
  const { tookMs, calls, startMs } = await withPair(bench, options, (pair) => workOff(pair, jobs));
  const idealMs = idealDrainMs({ jobs, runners, jobMs, dispatchToStartMs: startMs });
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  const note = `${jobs} jobs of ${seconds(jobMs)}, ${runners} runners: ${seconds(tookMs)}, ideal ${seconds(idealMs)}`;
  const shared = { row: ROW, on: 'SQLite', unit: '' };
  const ratio = { value: tookMs / idealMs, budget: atMost(way.ratio), note };
  const perJob = { value: calls / jobs, budget: atMost(way.calls), note: `${calls} calls` };
  bench.add(
    { ...shared, name: `drain ÷ ideal, ${way.name}`, ...ratio },
    { ...shared, name: `forge calls per job, ${way.name}`, ...perJob },
  );
}

interface Drained {
  /** From the first dispatch until the last workflow job has ended. */
  readonly tookMs: number;
  /** Requests that the forge received in that time. */
  readonly calls: number;
  readonly startMs: number;
}

async function workOff({ sim, server, folder }: Pair, jobs: number): Promise<Drained> {
  const startMs = await sim.meanDispatchToStartMs('github');
  const queues = [{ groupId: groupId(0), templateId: templateId(0), jobs }];
  const before = await sim.ledger();
  const work = { kind: 'enqueue', queues, keyPrefix: 'drain' } as const;
  const { url, token } = server;
  await drive(folder, { url, token, connections: 4, count: jobs, work });
  for (;;) {
    await sleep(2_000);
    const { runs, requests } = await sim.ledger();
    const ended = runs.flatMap((run) => (run.status === 'completed' ? run.jobs : []));
    if (ended.length < jobs) continue;
    const first = requests.find(
      ({ id, endpoint }) => id > before.requests.length && endpoint === 'dispatch',
    );
    const lastEnd = Math.max(...ended.map(({ completedAt }) => completedAt ?? NaN));
    const calls = requests.filter(
      ({ id, at }) => id > before.requests.length && at <= lastEnd,
    ).length;
    return { tookMs: lastEnd - (first?.at ?? NaN), calls, startMs };
  }
}
