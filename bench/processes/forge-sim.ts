import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ForgeSimClient, forgeSimProgram, type ProfileName } from '@dispatchoor/forge-sim/client';
import { now } from '../lib/clock.ts';
import { ProbedChild } from './probed-child.ts';

/** Beyond what any row asks for: the bench measures the server, not GitHub's hourly limit. */
const REQUESTS_PER_HOUR = 10_000_000;
const CLOCK_READINGS = 50;

export interface ForgeSimOptions {
  readonly folder: string;
  readonly profile: ProfileName;
  readonly seed: number;
  readonly world: object;
  /** Logins' tokens whose hourly limit is lifted. */
  readonly tokens: readonly string[];
  /** Behave as this version of GitHub Enterprise Server. */
  readonly ghes?: string | undefined;
}

/** forge-sim as a process of its own, and how to ask it. */
export class ForgeSim extends ForgeSimClient {
  readonly child: ProbedChild;
  readonly url: string;

  private constructor(child: ProbedChild, url: string) {
    super(url);
    this.child = child;
    this.url = url;
  }

  /** Its limits are lifted: the hourly one, and GitHub's secondary ones. */
  static async start(options: ForgeSimOptions): Promise<ForgeSim> {
    const { folder, profile, seed, world, ghes } = options;
    const worldFile = join(folder, 'world.json');
    await writeFile(worldFile, JSON.stringify(world));
    const args = ['--port', '0', '--profile', profile, '--seed', String(seed)];
    if (ghes !== undefined) args.push('--ghes', ghes);
    const child = new ProbedChild({
      name: 'forge-sim',
      args: [fileURLToPath(forgeSimProgram), ...args, '--world', worldFile],
      cwd: folder,
      logFile: join(folder, 'forge-sim.log'),
    });
    const sim = new ForgeSim(child, await child.waitForUrl(/listening on (http:\S+)/));
    await sim.control('PUT', '/limits/secondary', null);
    await sim.setHourlyLimit(options.tokens, REQUESTS_PER_HOUR);
    return sim;
  }

  /**
   * What must be added to a stamp of the forge's to have it on the bench's clock, by the quickest of many
   * exchanges: wrong by less than half of that exchange, and by the whole milliseconds of the stamps.
   */
  async clockOffsetMs(): Promise<number> {
    let best = { tripMs: Infinity, offsetMs: 0 };
    for (let i = 0; i < CLOCK_READINGS; i += 1) {
      const sentAt = now();
      const forgeNow = await this.now();
      const tripMs = now() - sentAt;
      if (tripMs < best.tripMs) best = { tripMs, offsetMs: sentAt + tripMs / 2 - forgeNow };
    }
    return best.offsetMs;
  }

  async stop(): Promise<void> {
    await this.child.stop();
  }
}
