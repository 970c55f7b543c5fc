import { type Ledger, meanDispatchToStartMs } from '@dispatchoor/forge-sim/client';
import { idealDrainMs } from '@dispatchoor/testbed';
import type { Bench } from './bench.ts';
import { now, sleep } from './lib/clock.ts';
import { drive } from './load/drive.ts';
import { type Pair, type PairOptions, withPair } from './pair.ts';
import { groupId, templateId } from './setting.ts';

/** Of how GitHub is: its delays. */
const PROFILE = 'github';

export interface Draining extends Pick<PairOptions, 'name' | 'ghes' | 'intervals' | 'isWebhookOn'> {
  readonly jobs: number;
  readonly runners: number;
  readonly jobMs: number;
  /** The template has no `correlation_input`. */
  readonly isNameless?: boolean;
  /** One that takes longer is given up, with an error; milliseconds. */
  readonly withinMs: number;
}

export interface Drained {
  /** How much longer than the ideal it took. */
  readonly ratio: number;
  /** Requests that the forge received meanwhile. */
  readonly calls: number;
  /** Sizes and times. */
  readonly note: string;
}

/** A full queue of jobs that all have different inputs, worked off by equal runners. */
export async function drainQueue(bench: Bench, draining: Draining): Promise<Drained> {
  const { jobs, runners, jobMs, isNameless = false } = draining;
  const setup = { groups: 1, runners, jobMs, isNameless };
  const options = { ...draining, setup, profile: PROFILE } as const;
  const { tookMs, calls, startMs } = await withPair(bench, options, (pair) =>
    workOff(pair, draining),
  );
  const idealMs = idealDrainMs({ jobs, runners, jobMs, dispatchToStartMs: startMs });
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  const size = `${jobs} jobs of ${seconds(jobMs)}, ${runners} runners`;
  const note = `${size}: ${seconds(tookMs)}, ideal ${seconds(idealMs)}`;
  return { ratio: tookMs / idealMs, calls, note };
}

interface WorkedOff {
  /** From the first dispatch until the last workflow job has ended. */
  readonly tookMs: number;
  /** Requests that the forge received in that time. */
  readonly calls: number;
  readonly startMs: number;
}

async function workOff(pair: Pair, { jobs, withinMs }: Draining): Promise<WorkedOff> {
  const { sim, server, folder } = pair;
  const startMs = meanDispatchToStartMs(await sim.profile(PROFILE));
  const queues = [{ groupId: groupId(0), templateId: templateId(0), jobs }];
  const before = await sim.ledger();
  const work = { kind: 'enqueue', queues, keyPrefix: 'drain' } as const;
  const { url, token } = server;
  const giveUpAt = now() + withinMs;
  await drive(folder, { url, token, connections: 4, count: jobs, work });
  for (;;) {
    await sleep(2_000);
    const ledger = await sim.ledger();
    const ended = endsOf(ledger);
    if (ended.length >= jobs) return { ...measure(ledger, before, Math.max(...ended)), startMs };
    if (now() > giveUpAt) {
      throw new Error(`${ended.length} of ${jobs} jobs ended within ${withinMs / 1_000} s`);
    }
  }
}

function endsOf({ runs }: Ledger): number[] {
  const ended = runs.flatMap((run) => (run.status === 'completed' ? run.jobs : []));
  return ended.map(({ completedAt }) => completedAt ?? NaN);
}

function measure(
  { requests }: Ledger,
  before: Ledger,
  lastEnd: number,
): Pick<WorkedOff, 'tookMs' | 'calls'> {
  const ours = requests.filter(({ id }) => id > before.requests.length);
  const first = ours.find(({ endpoint }) => endpoint === 'dispatch');
  const calls = ours.filter(({ at }) => at <= lastEnd).length;
  return { tookMs: lastEnd - (first?.at ?? NaN), calls };
}
