import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { now } from '../lib/clock.ts';
import { Child } from './child.ts';

const PROGRAM = fileURLToPath(import.meta.resolve('../../packages/forge-sim/bin/forge-sim.js'));
/** Beyond what any row asks for: the bench measures the server, not GitHub's hourly limit. */
const REQUESTS_PER_HOUR = 10_000_000;
const CLOCK_READINGS = 50;

const LedgerRequest = z.object({
  id: z.number(),
  at: z.number(),
  endpoint: z.string(),
  status: z.number().nullable(),
});

const LedgerRun = z.object({
  id: z.number(),
  inputs: z.record(z.string(), z.string()),
  createdByRequest: z.number(),
  status: z.string(),
  jobs: z.array(z.object({ startedAt: z.number().nullable(), completedAt: z.number().nullable() })),
});

const LedgerDelivery = z.object({
  event: z.string(),
  action: z.string().nullable(),
  sentAt: z.number().nullable(),
});

/** The part of forge-sim's ledger that the bench reads; times are epoch ms on the forge's clock, whole. */
const Ledger = z.object({
  requests: z.array(LedgerRequest),
  runs: z.array(LedgerRun),
  deliveries: z.array(LedgerDelivery).default([]),
});
export type Ledger = z.infer<typeof Ledger>;
export type LedgerRun = z.infer<typeof LedgerRun>;

const Span = z.tuple([z.number(), z.number()]);
const Profile = z.object({ replyMs: Span, pickupMs: Span });

export interface ForgeSimOptions {
  readonly folder: string;
  readonly profile: 'instant' | 'github';
  readonly seed: number;
  readonly world: object;
  /** Logins' tokens whose hourly limit is lifted. */
  readonly tokens: readonly string[];
  /** Behave as this version of GitHub Enterprise Server. */
  readonly ghes?: string | undefined;
}

export class ForgeSim {
  readonly child: Child;
  readonly url: string;

  private constructor(child: Child, url: string) {
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
    const child = new Child({
      name: 'forge-sim',
      args: [PROGRAM, ...args, '--world', worldFile],
      cwd: folder,
      logFile: join(folder, 'forge-sim.log'),
    });
    const sim = new ForgeSim(child, await child.waitForUrl(/listening on (http:\S+)/));
    await sim.control('PUT', '/limits/secondary', null);
    for (const token of options.tokens) {
      const limit = REQUESTS_PER_HOUR;
      await sim.control('PUT', '/limits/primary', { token, limit, remaining: limit });
    }
    return sim;
  }

  async ledger(): Promise<Ledger> {
    return Ledger.parse(await this.control('GET', '/ledger'));
  }

  /**
   * From a dispatch's arrival to the start of its workflow job on a free runner, on average: half of a reply (the
   * forge acts half-way through it) and a pickup.
   */
  async meanDispatchToStartMs(profile: 'instant' | 'github'): Promise<number> {
    const all = z.record(z.string(), z.unknown()).parse(await this.control('GET', '/profiles'));
    const { replyMs, pickupMs } = Profile.parse(all[profile]);
    return (replyMs[0] + replyMs[1]) / 4 + (pickupMs[0] + pickupMs[1]) / 2;
  }

  /**
   * What must be added to a stamp of the forge's to have it on the bench's clock, by the quickest of many
   * exchanges: wrong by less than half of that exchange, and by the whole milliseconds of the stamps.
   */
  async clockOffsetMs(): Promise<number> {
    let best = { tripMs: Infinity, offsetMs: 0 };
    for (let i = 0; i < CLOCK_READINGS; i += 1) {
      const sentAt = now();
      const { now: forgeNow } = z
        .object({ now: z.number() })
        .parse(await this.control('GET', '/clock'));
      const tripMs = now() - sentAt;
      if (tripMs < best.tripMs) best = { tripMs, offsetMs: sentAt + tripMs / 2 - forgeNow };
    }
    return best.offsetMs;
  }

  async control(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.url}/_sim${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`forge-sim: ${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  async stop(): Promise<void> {
    await this.child.stop();
  }
}
