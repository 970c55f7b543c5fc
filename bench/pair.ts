import type { Bench, DatabaseName } from './bench.ts';
import { ForgeSim } from './processes/forge-sim.ts';
import { Server } from './processes/server.ts';
import {
  type DatabaseSection,
  hookOf,
  type Intervals,
  type Setup,
  secrets,
  worldOf,
} from './setting.ts';

export interface PairOptions {
  readonly name: string;
  readonly setup: Setup;
  readonly profile?: 'instant' | 'github';
  /** Default: the forge is github.com, else this version of GitHub Enterprise Server. */
  readonly ghes?: string;
  /** Default: long ones, so that nothing is seen that was not told. */
  readonly intervals?: Intervals;
  readonly isWebhookOn?: boolean;
  /** Default: SQLite. */
  readonly on?: DatabaseName;
  /** One that is there already; its server has been stopped. */
  readonly database?: DatabaseSection;
}

/** A forge and a server that uses it. */
export interface Pair {
  readonly sim: ForgeSim;
  readonly server: Server;
  readonly folder: string;
}

const LONG: Intervals = { poll: '10m', track: '10m' };

/** Starts both, runs `use` once the server knows all runners, ends both. */
export async function withPair<T>(
  bench: Bench,
  options: PairOptions,
  use: (pair: Pair) => Promise<T>,
): Promise<T> {
  const { setup, profile = 'instant', ghes, isWebhookOn = false } = options;
  const folder = await bench.makeFolder(options.name);
  const { seed } = bench;
  const { tokens } = secrets;
  const world = worldOf(setup);
  const sim = await ForgeSim.start({ folder, profile, seed, world, tokens, ghes });
  try {
    const server = await Server.start({
      ...{ folder, setup, isWebhookOn },
      database: options.database ?? (await bench.makeDatabase(options.on ?? 'SQLite', folder)),
      forgeUrl: sim.url,
      intervals: options.intervals ?? LONG,
    });
    try {
      if (isWebhookOn) await sim.control('POST', '/hooks', hookOf(server.url));
      await server.waitForRunners(setup.runners);
      return await use({ sim, server, folder });
    } finally {
      await server.stop();
    }
  } finally {
    await sim.stop();
  }
}
