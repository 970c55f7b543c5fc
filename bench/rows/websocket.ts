import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, p99 } from '@dispatchoor/testbed';
import type { Bench } from '../bench.ts';
import { now, sleep } from '../lib/clock.ts';
import type { Heard } from '../load/listeners.ts';
import { type Pair, withPair } from '../pair.ts';
import { ProbedChild } from '../processes/probed-child.ts';
import { atMost } from '../report/figure.ts';
import { groupId, templateId } from '../setting.ts';

const ROW = 'websocket';
const PROGRAM = fileURLToPath(import.meta.resolve('../load/listeners.ts'));
const EVENTS_PER_SECOND = 100;
const SECONDS = 10;
/** For the last of them to arrive. */
const REST_MS = 2_000;

/** Jobs are added at an even pace; each must reach every client. */
export async function measureWebsocket(bench: Bench): Promise<void> {
  if (!bench.has('SQLite')) return;
  const clients = bench.size(1_000, 50);
  const setup = { groups: 1, runners: 1, areRunnersBusy: true, jobMs: 1_000 };
  await withPair(bench, { name: ROW, setup }, async (pair) => {
    if (!(await hasWebsocket(pair))) {
      bench.skip({ row: ROW, name: 'event → last client', reason: 'GET /api/v1/ws is not there' });
      return;
    }
    await pair.server.child.watchDelay();
    const { heard, addedAt } = await bench.profiled(ROW, pair.server.child, () =>
      addWhileListening(pair, clients, bench.size(SECONDS, 2)),
    );
    const { maxMs } = await pair.server.child.readDelay();
    const complete = heard.filter((each) => each.clients === clients && addedAt.has(each.jobId));
    const lost = addedAt.size - complete.length;
    const delays = complete.map(({ jobId, lastAt }) => lastAt - (addedAt.get(jobId) ?? NaN));
    const note = `${clients} clients, ${addedAt.size} events at ${EVENTS_PER_SECOND}/s, ${lost} not heard by all, longest block ${maxMs.toFixed(1)} ms`;
    const shared = { row: ROW, on: 'SQLite', unit: 'ms' };
    if (complete.length === 0) {
      bench.skip({
        row: ROW,
        name: 'event → last client',
        reason: `no event reached all: ${note}`,
      });
      return;
    }
    bench.add(
      { ...shared, name: 'event → last client, p50', value: median(delays) },
      {
        ...shared,
        name: 'event → last client, p99',
        value: p99(delays),
        budget: atMost(150),
        note,
      },
      {
        ...shared,
        name: 'events that did not reach all',
        value: lost,
        unit: '',
        budget: atMost(0.5),
      },
    );
  });
}

async function hasWebsocket({ server }: Pair): Promise<boolean> {
  const response = await fetch(`${server.url}/api/v1/ws?token=${server.token}`);
  await response.body?.cancel();
  return response.status !== 404;
}

interface Listened {
  readonly heard: readonly Heard[];
  /** When the server wrote it, by its own stamp: before the commit. */
  readonly addedAt: ReadonlyMap<string, number>;
}

async function addWhileListening(pair: Pair, clients: number, seconds: number): Promise<Listened> {
  const { server, folder } = pair;
  const logFile = join(folder, 'listeners.log');
  const child = new ProbedChild({ name: 'listeners', args: [PROGRAM], cwd: folder, logFile });
  try {
    const ready = child.receive((message) => {
      const told = message as { isListening?: true; failure?: string };
      return told.isListening === true || told.failure !== undefined ? told : undefined;
    });
    const { url, token } = server;
    child.send({ plan: { url, token, groupId: groupId(0), clients } });
    const { failure } = await ready;
    if (failure !== undefined) throw new Error(`listeners: ${failure}`);
    const addedAt = await addAtPace(pair, seconds);
    await sleep(REST_MS);
    const reply = child.receive((message) => (message as { heard?: Heard[] }).heard);
    child.send({ wantsHeard: true });
    return { heard: await reply, addedAt };
  } finally {
    await child.stop();
  }
}

/** An open loop: the next one is sent when its time has come, whether or not the last was answered. */
async function addAtPace({ server }: Pair, seconds: number): Promise<Map<string, number>> {
  const addedAt = new Map<string, number>();
  const startedAt = now();
  const adding: Promise<void>[] = [];
  const add = async (): Promise<void> => {
    const added = await server.api.addJob(groupId(0), { template_id: templateId(0) });
    addedAt.set(added.id, Date.parse(added.created_at));
  };
  for (let i = 0; i < seconds * EVENTS_PER_SECOND; i += 1) {
    await sleep(startedAt + (i * 1_000) / EVENTS_PER_SECOND - now());
    adding.push(add());
  }
  await Promise.all(adding);
  return addedAt;
}
