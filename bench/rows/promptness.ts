import { type Ledger, Random } from '@dispatchoor/forge-sim/client';
import { median, p99 } from '@dispatchoor/testbed';
import type { Bench, DatabaseName } from '../bench.ts';
import { now, sleep, waitFor } from '../lib/clock.ts';
import { type Pair, withPair } from '../pair.ts';
import { atMost } from '../report/figure.ts';
import { groupId, templateId } from '../setting.ts';

const ROW = 'promptness';
const BUDGET = atMost(100);
const HOUR_MS = 3_600_000;
/** Between two samples: longer than one takes, and of no rhythm that a loop could fall into step with. */
const PAUSE_MS = { least: 20, spread: 60 };

/** From what can be acted on to the first byte of the dispatch at the forge. */
export async function measurePromptness(bench: Bench): Promise<void> {
  for (const database of bench.databases) {
    await measureEnqueued(bench, database);
    await measureFreed(bench, database);
  }
}

/** As many idle runners as samples, and jobs that outlast the row: each sample finds one idle. */
async function measureEnqueued(bench: Bench, on: DatabaseName): Promise<void> {
  const samples = bench.size(400, 40);
  const setup = { groups: 1, runners: samples, jobMs: HOUR_MS };
  const options = { name: `promptness-enqueued-${on}`, setup, on };
  const waits = await withPair(bench, options, (pair) => enqueueAndWait(pair, samples, bench.seed));
  report(bench, on, '201 → first byte of the dispatch', waits);
}

async function enqueueAndWait(pair: Pair, samples: number, seed: number): Promise<number[]> {
  const { sim, server } = pair;
  const random = new Random(seed, 'pauses');
  const answeredAt = new Map<string, number>();
  const offsetMs = await sim.clockOffsetMs();
  for (let i = 0; i < samples; i += 1) {
    const mark = String(i);
    await server.api.addJob(groupId(0), { template_id: templateId(0), inputs: { mark } });
    answeredAt.set(mark, now());
    await sleep(PAUSE_MS.least + random.next() * PAUSE_MS.spread);
  }
  const ledger = await waitForRuns(pair, samples);
  const requests = new Map(ledger.requests.map((request) => [request.id, request.at]));
  return ledger.runs.map(({ inputs, createdByRequest }) => {
    const from = answeredAt.get(inputs['mark'] ?? '');
    const arrivedAt = requests.get(createdByRequest);
    if (from === undefined || arrivedAt === undefined) throw new Error('a run of nobody');
    return arrivedAt + offsetMs - from;
  });
}

function waitForRuns({ sim }: Pair, count: number): Promise<Ledger> {
  return waitFor(
    `${count} dispatches`,
    async () => {
      const ledger = await sim.ledger();
      return ledger.runs.length >= count ? ledger : undefined;
    },
    { everyMs: 500 },
  );
}

/** All runners are busy and jobs wait; one after the other ends, and only its webhook tells. */
async function measureFreed(bench: Bench, on: DatabaseName): Promise<void> {
  const name = 'webhook of a freed runner → first byte of the next dispatch';
  const samples = bench.size(300, 30);
  const runners = bench.size(30, 10);
  const setup = { groups: 1, runners, jobMs: HOUR_MS };
  const options = { name: `promptness-freed-${on}`, setup, on, isWebhookOn: true };
  const waits = await withPair(bench, options, (pair) =>
    freeAndWait(pair, { samples, runners, seed: bench.seed }),
  );
  report(bench, on, name, waits);
}

interface Freeing {
  readonly samples: number;
  readonly runners: number;
  readonly seed: number;
}

async function freeAndWait(pair: Pair, { samples, runners, seed }: Freeing): Promise<number[]> {
  const { sim, server } = pair;
  const random = new Random(seed, 'pauses');
  for (let i = 0; i < samples + runners; i += 1) {
    await server.api.addJob(groupId(0), { template_id: templateId(0) });
  }
  const waits: number[] = [];
  let ledger = await waitForRuns(pair, runners);
  while (waits.length < samples) {
    const running = ledger.runs.filter(({ status }) => status === 'in_progress');
    const before = ledger.runs.length;
    for (const { id } of running) {
      await sim.control('POST', `/runs/${id}/complete`, { conclusion: 'success' });
      await sleep(2 * (PAUSE_MS.least + random.next() * PAUSE_MS.spread));
    }
    const seen = ledger.deliveries.length;
    ledger = await waitForRuns(pair, before + running.length);
    waits.push(...pairUp(ledger, { runsBefore: before, deliveriesBefore: seen }));
  }
  return waits;
}

/** Each freed runner lets one job go: the n-th webhook belongs to the n-th dispatch after it. */
function pairUp(
  ledger: Ledger,
  { runsBefore, deliveriesBefore }: { runsBefore: number; deliveriesBefore: number },
): number[] {
  const at = new Map(ledger.requests.map((request) => [request.id, request.at]));
  const dispatches = ledger.runs
    .slice(runsBefore)
    .flatMap(({ createdByRequest }) => at.get(createdByRequest) ?? [])
    .sort((a, b) => a - b);
  const freed = ledger.deliveries
    .slice(deliveriesBefore)
    .filter(({ event, action }) => event === 'workflow_job' && action === 'completed')
    .flatMap(({ sentAt }) => sentAt ?? [])
    .sort((a, b) => a - b);
  if (freed.length !== dispatches.length) {
    throw new Error(`${freed.length} runners were freed, ${dispatches.length} jobs were sent`);
  }
  return dispatches.map((dispatchedAt, i) => dispatchedAt - (freed[i] ?? NaN));
}

function report(bench: Bench, on: DatabaseName, name: string, waits: readonly number[]): void {
  const note = `${waits.length} samples`;
  const shared = { row: ROW, on, unit: 'ms' };
  bench.add(
    { ...shared, name: `${name}, p50`, value: median(waits) },
    { ...shared, name: `${name}, p99`, value: p99(waits), budget: BUDGET, note },
  );
}
