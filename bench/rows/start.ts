import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { median } from '@dispatchoor/testbed';
import type { Bench, DatabaseName } from '../bench.ts';
import { now, sleep } from '../lib/clock.ts';
import { ForgeSim } from '../processes/forge-sim.ts';
import { listening, Server, type ServerOptions, spawnServer } from '../processes/server.ts';
import { atMost } from '../report/figure.ts';
import { secrets, worldOf } from '../setting.ts';

const ROW = 'start';
const ONE_SECOND = atMost(1_000);
const IDLE_AFTER_MS = 10_000;
const SETUP = { groups: 1, runners: 2, jobMs: 1_000 };

/** From the process's birth to its line `listening`, by when the schema is there; the bench looks every 2 ms. */
export async function measureStart(bench: Bench): Promise<void> {
  const folder = await bench.makeFolder('start-forge');
  const { tokens } = secrets;
  const world = worldOf(SETUP);
  const sim = await ForgeSim.start({ folder, profile: 'instant', seed: bench.seed, world, tokens });
  try {
    for (const database of bench.databases) await measureOn(bench, sim.url, database);
  } finally {
    await sim.stop();
  }
}

async function measureOn(bench: Bench, forgeUrl: string, on: DatabaseName): Promise<void> {
  const repeats = bench.size(5, 2);
  const cold = await bench.makeFolder('start-cold');
  const optionsFor = async (name: string, cache: string): Promise<ServerOptions> => {
    const folder = await bench.makeFolder(`start-${name}`);
    await mkdir(cache, { recursive: true });
    const database = await bench.makeDatabase(on, folder);
    const intervals = { poll: '60s', track: '30s' };
    // The server keeps its compiled code below it.
    const env = { XDG_CACHE_HOME: cache };
    return { folder, setup: SETUP, forgeUrl, database, intervals, isWebhookOn: false, env };
  };
  const first: Start[] = [];
  const fresh: Start[] = [];
  const existing: Start[] = [];
  const warm = join(cold, 'warm');
  await timeStart(await optionsFor('warm-up', warm));
  for (let i = 0; i < repeats; i += 1) {
    first.push(await timeStart(await optionsFor('first', join(cold, String(i)))));
    const options = await optionsFor('fresh', warm);
    fresh.push(await timeStart(options));
    existing.push(await timeStart(options));
  }
  const add = (name: string, starts: readonly Start[]): void => {
    const times = starts.map(({ ms }) => ms);
    const cpuMs = median(starts.map((each) => each.cpuMs)).toFixed(0);
    const note = `median of ${times.length}, longest ${Math.max(...times).toFixed(0)} ms, ${cpuMs} ms of processor`;
    bench.add({ row: ROW, name, on, value: median(times), unit: 'ms', budget: ONE_SECOND, note });
  };
  add('start to listening, existing database', existing);
  add('start to listening, fresh database', fresh);
  add('start to listening, first start on the machine (nothing compiled)', first);
  await measureIdle(bench, on, await optionsFor('idle', warm));
}

interface Start {
  readonly ms: number;
  /** Processor time: what the start would take on a machine with nothing else to do. */
  readonly cpuMs: number;
}

async function timeStart(options: ServerOptions): Promise<Start> {
  const startedAt = now();
  const child = await spawnServer(options);
  try {
    await listening(child);
    const ms = now() - startedAt;
    return { ms, cpuMs: await child.cpuMs() };
  } finally {
    await child.stop();
  }
}

async function measureIdle(bench: Bench, on: DatabaseName, options: ServerOptions): Promise<void> {
  const server = await Server.start(options);
  try {
    await server.waitForRunners(SETUP.runners);
    await sleep(bench.size(IDLE_AFTER_MS, 1_000));
    const value = await server.residentMb();
    const name = 'resident memory, idle for 10 s';
    bench.add({ row: ROW, name, on, value, unit: 'MB', budget: atMost(150) });
  } finally {
    await server.stop();
  }
}
